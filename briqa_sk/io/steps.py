"""What a lazy sequence does when one of its items is looked at."""

import os

from briqa_sk.io.nifti import read_volume
from briqa_sk.io.volume import Volume


def compute(source, steps):
    """Return the volume that ``steps`` make of ``source``."""
    if not steps:
        return source if isinstance(source, Volume) else read_volume(source)
    *upstream, step = steps
    if not upstream and hasattr(step, "read") and not isinstance(source, Volume):
        return step(step.read(source))
    if hasattr(step, "load_or_compute"):
        return step.load_or_compute(source, tuple(upstream), compute)
    return step(compute(source, tuple(upstream)))


def source_identity(source):
    """Return what tells one source from another: facts of the file or the volume."""
    if isinstance(source, Volume):
        return source.data, source.affine, source.path, source.history
    try:
        status = os.stat(source)
    except OSError:
        return os.path.abspath(source), None, None
    return os.path.abspath(source), status.st_size, status.st_mtime_ns
