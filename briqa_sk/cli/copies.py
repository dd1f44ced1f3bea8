"""Corrupted copies of scans: which to make, and how one is made."""

import json
import os
import re
import zlib
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from briqa_sk.cli.tables import SCAN_ENDINGS, find_scans
from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.io import read_volume
from briqa_sk.io.atomic import write_atomically
from briqa_sk.io.writing import write_volume
from briqa_sk.reporting import software_versions

_SUBJECT = re.compile(r"(?:^|[/_])(sub-[0-9A-Za-z]+)")
_SUFFIX = re.compile(r"_[0-9A-Za-z]+$")


@dataclass(frozen=True)
class Copy:
    """One scan to make.

    Parameters
    ----------
    source : str
        The clean scan.
    name : str
        Of the copy, relative to the folder of all copies, without an ending.
    subject : str
        Whose scan it is.
    artifacts : list of str
        Those that the copy may have.
    severities : dict of str to int, or None
        Severity by artifact; None draws them.
    seed : int
        Of this copy.
    """

    source: str
    name: str
    subject: str
    artifacts: list
    severities: dict
    seed: int


def plan_copies(scans, out, *, artifacts, severities, n_copies, seed):
    """Return every copy that is wanted.

    With severities, each scan gets one copy for each artifact and severity, and one for
    severity 0 whatever the artifact; without, severities are drawn.

    Parameters
    ----------
    scans : list of str
        Files and folders.
    out : str or os.PathLike
        Folder of the copies; scans in it are not sources.
    artifacts : list of str
        Names.
    severities : list of int or None
        What to make of each artifact.
    n_copies : int
        How many of each.
    seed : int
        Of the run. The seed of a copy follows from it and from the name of the copy, so
        that it does not depend on the other scans.

    Returns
    -------
    copies : list of Copy
        In the order of the scans.

    Raises
    ------
    ValueError
        If two scans would have copies of one name, or there is no scan.
    """
    wishes = [("simulated", None)]
    if severities is not None:
        wishes = [("clean", {})] if 0 in severities else []
        wishes += [
            (f"{name.replace('_', '')}{s}", {name: s})
            for name in artifacts
            for s in severities
            if s > 0
        ]
    copies = []
    for source, name in _named(scans, out).items():
        found = _SUBJECT.search(name)
        subject = found[1] if found else name
        for label, wish in wishes:
            for number in range(1, n_copies + 1):
                numbered = f"{label}{f'n{number}' if n_copies > 1 else ''}"
                full = _described(name, numbered)
                own_seed = zlib.crc32(f"{seed} {full}".encode(errors="surrogateescape"))
                copies.append(Copy(source, full, subject, artifacts, wish, own_seed))
    return copies


def check_folder(out, copies):
    """Raise ``ValueError`` if a folder holds other copies of these names."""
    for copy in copies:
        made = _load(out, copy)
        if made is not None and not _is_same(made, copy):
            raise ValueError(
                f"{out} must be empty or hold copies of this very run, got "
                f"{copy.name} of another one. Choose another folder, or remove them."
            )


def make_copy(simulator, copy, out):
    """Write one copy and its provenance, unless both are there already.

    Parameters
    ----------
    simulator : ArtifactSimulator
        What corrupts.
    copy : Copy
        What to make.
    out : Path
        Folder of all copies.

    Returns
    -------
    row : dict
        ``path``, ``source``, ``subject``, severities, strengths and ``seed``; or
        ``source``, ``finding`` and ``message`` of a scan that can't be used.
    """
    made = _load(out, copy)
    if made is not None:
        return _row(copy, made["record"])
    try:
        volume, record = simulator.corrupt(
            read_volume(copy.source), copy.severities, random_state=copy.seed
        )
    except UnreadableVolumeError as error:
        return _refusal(copy, error.finding, error)
    except ValueError as error:  # what an artifact can't act on
        return _refusal(copy, "unfit", error)
    path = _scan_path(out, copy)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(volume, path)
    facts = {**asdict(copy), "record": record, "software": software_versions()}
    text = json.dumps(facts, indent=1)
    # Last, because it is the sign that the copy is complete.
    write_atomically(_record_path(out, copy), lambda file: file.write(text.encode()))
    return _row(copy, record)


def _named(scans, out):
    """Return source -> name of its copies, relative and without an ending."""
    named = {}
    for argument in scans:
        folder = argument if os.path.isdir(argument) else os.path.dirname(argument)
        for source in find_scans([argument]):
            if Path(out).resolve() not in Path(source).resolve().parents:
                named[source] = _without_ending(os.path.relpath(source, folder or "."))
    name, count = Counter(named.values()).most_common(1)[0]
    if count > 1:
        raise ValueError(
            "scans must have different names, without their endings and below the "
            f"folders given, got {name} {count} times. Give a folder that holds all."
        )
    return named


def _without_ending(name):
    endings = sorted(SCAN_ENDINGS, key=len, reverse=True)
    return next(name[: -len(e)] for e in [*endings, ""] if name.lower().endswith(e))


def _described(name, label):
    """Put a label where BIDS has it: before the suffix, as in ``_desc-x_T1w``."""
    suffix = _SUFFIX.search(name)
    cut = suffix.start() if suffix and _SUBJECT.search(name) else len(name)
    return f"{name[:cut]}_desc-{label}{name[cut:]}"


def _scan_path(out, copy):
    return Path(out) / f"{copy.name}.nii.gz"


def _record_path(out, copy):
    return Path(out) / f"{copy.name}.json"


def _load(out, copy):
    """Return the provenance of a complete copy, or None."""
    if not (_scan_path(out, copy).exists() and _record_path(out, copy).exists()):
        return None
    return json.loads(_record_path(out, copy).read_bytes())


def _is_same(made, copy):
    keys = ("artifacts", "severities", "seed")
    return all(made.get(key) == getattr(copy, key) for key in keys)


def _row(copy, record):
    numbers = {key: value for key, value in record.items() if key != "parameters"}
    path = f"{copy.name}.nii.gz"
    return {"path": path, "source": copy.source, "subject": copy.subject, **numbers}


def _refusal(copy, finding, error):
    return {"source": copy.source, "finding": finding, "message": str(error)}
