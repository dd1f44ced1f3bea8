"""One cached volume as bytes: a safetensors file whose checksum is known."""

import json
import zlib

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from briqa_sk.io import Volume


def pack(volume):
    """Return the content of a cache entry.

    Parameters
    ----------
    volume : Volume
        Left untouched.

    Returns
    -------
    content : bytes
        Voxels, both affines, and the rest as JSON. safetensors has no checksum of its
        own, so the JSON holds the CRC-32 of the arrays.
    """
    data = np.ascontiguousarray(volume.data)
    arrays = {
        "data": data,
        "affine": np.ascontiguousarray(volume.affine),
        "source_affine": np.ascontiguousarray(volume.source_affine),
    }
    facts = {
        "path": volume.path,
        "source_shape": [int(n) for n in volume.source_shape],
        "history": volume.history,
        "crc32": _checksum(arrays),
    }
    return save(arrays, metadata={"volume": json.dumps(facts)})


def unpack(path):
    """Return the volume of a cache entry.

    Parameters
    ----------
    path : str or os.PathLike
        A file with the content that :func:`pack` returned.

    Returns
    -------
    volume : Volume
        The same voxels, affines, path and history.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    safetensors.SafetensorError, ValueError, KeyError
        If the file is damaged.
    """
    with safe_open(path, framework="numpy") as file:
        facts = json.loads(file.metadata()["volume"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if _checksum(arrays) != facts["crc32"]:
        raise ValueError("its checksum is wrong.")
    return Volume(
        arrays["data"],
        arrays["affine"],
        path=facts["path"],
        source_affine=arrays["source_affine"],
        source_shape=tuple(facts["source_shape"]),
        history=tuple(facts["history"]),
    )


def _checksum(arrays):
    crc = 0
    for name in ("data", "affine", "source_affine"):
        crc = zlib.crc32(arrays[name], crc)
    return crc
