"""Files in, volumes out."""

from briqa_sk.io.nifti import read_volume
from briqa_sk.io.sequence import VolumeSequence, as_volumes
from briqa_sk.io.volume import Volume

__all__ = ["Volume", "VolumeSequence", "as_volumes", "read_volume"]
