"""What a lazy sequence does when one of its items is looked at."""

import os

from briqa_sk.io.images import ImageSource
from briqa_sk.io.nifti import read_volume
from briqa_sk.io.volume import Volume


def compute(source, steps):
    """Return the volume that ``steps`` make of ``source``."""
    if not steps:
        return _read(source)
    *upstream, step = steps
    if not upstream and hasattr(step, "read") and isinstance(source, str):
        return step(step.read(source))
    if hasattr(step, "load_or_compute"):
        return step.load_or_compute(source, tuple(upstream), compute)
    return step(compute(source, tuple(upstream)))


def _read(source):
    if isinstance(source, Volume):
        return source
    return source.read() if isinstance(source, ImageSource) else read_volume(source)


def source_identity(source):
    """Return what tells one source from another: facts of the file or the volume."""
    if isinstance(source, Volume):
        return source.data, source.affine, source.path, source.history
    if isinstance(source, ImageSource):
        if source.path is None:
            return source.voxels, source.affine
        return *_file_facts(source.path), source.affine
    return _file_facts(source)


def _file_facts(path):
    try:
        status = os.stat(path)
    except OSError:
        return os.path.abspath(path), None, None
    return os.path.abspath(path), status.st_size, status.st_mtime_ns
