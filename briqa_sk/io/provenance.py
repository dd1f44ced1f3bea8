"""Which scan another one was made from, and the JSON beside it that says so."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from briqa_sk.io import read_volume
from briqa_sk.io.atomic import write_atomically
from briqa_sk.io.writing import write_volume

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """A scan that artifacts can act on.

    Parameters
    ----------
    path : str
        The file.
    sha256 : str
        Of its bytes: a scan that took the name of another one is not that one.
    """

    path: str
    sha256: str


def inspect_source(path):
    """Return the Source at a path, once its voxels are known to be usable.

    Parameters
    ----------
    path : str
        A scan.

    Returns
    -------
    source : Source
        Its identity.

    Raises
    ------
    UnreadableVolumeError, ValueError
        See :func:`read_source`.
    """
    read_source(path)
    return Source(path, hash_file(path))


def read_source(path):
    """Read a scan that artifacts can act on.

    Parameters
    ----------
    path : str
        A scan.

    Returns
    -------
    volume : Volume
        Magnitudes.

    Raises
    ------
    UnreadableVolumeError
        If it can't be read.
    ValueError
        If it has negative voxels.
    """
    volume = read_volume(path)
    lowest = float(volume.data.min())
    if lowest < 0:
        raise ValueError(
            f"{path} must be a magnitude image, 0 or more everywhere, got "
            f"{lowest:.4g}. Simulate before StandardizeIntensity."
        )
    return volume


def hash_file(path):
    """Return the SHA-256 of the bytes of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_made(volume, path, facts):
    """Write a scan, and then its provenance: the sign that the scan is complete.

    Parameters
    ----------
    volume : Volume
        The scan.
    path : pathlib.Path
        Where to, ``.nii.gz``; its JSON has the same name.
    facts : dict
        For the JSON, which gets the length and the SHA-256 of the scan, too.

    Raises
    ------
    ValueError
        If the scan can't be read again; see :func:`~briqa_sk.io.writing.write_volume`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(volume, path)
    own = {"n_bytes": path.stat().st_size, "sha256": hash_file(path)}
    write_facts({**facts, **own}, sidecar_of(path))


def write_facts(facts, path):
    """Write a dict as JSON, whole or not at all."""
    text = json.dumps(facts, indent=1)
    write_atomically(path, lambda file: file.write(text.encode()))


def read_made(path):
    """Return the provenance of a scan that was made, or None if it is to be made.

    No more than the length of the scan is compared, so that thousands of scans can be
    listed in a moment; :func:`is_unchanged` reads all of it.
    """
    facts = read_facts(sidecar_of(path)) or {}
    is_whole = path.exists() and path.stat().st_size == facts.get("n_bytes")
    return facts if is_whole else None


def is_unchanged(path, facts):
    """Return whether a scan has the bytes that its provenance says."""
    return hash_file(path) == facts.get("sha256")


def read_facts(path):
    """Return the dict in a JSON file; None without a file, {} for anything else."""
    try:
        facts = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:  # neither JSON nor UTF-8
        return {}
    return facts if isinstance(facts, dict) else {}


def sidecar_of(path):
    """Return the name of the JSON beside a scan."""
    return Path(f"{str(path).removesuffix('.nii.gz')}.json")
