"""Corrupted copies of scans: which to make, and how they are made."""

import os
import re
import zlib
from collections import Counter
from dataclasses import asdict, dataclass

from briqa_sk._version import __version__
from briqa_sk.cli.tables import SCAN_ENDINGS, find_sources, relative_path
from briqa_sk.datasets.names import parse_name
from briqa_sk.exceptions import UnreadableVolumeError
from briqa_sk.io.provenance import (
    hash_file,
    inspect_source,
    is_unchanged,
    read_facts,
    read_made,
    read_source,
    sidecar_of,
    write_made,
)
from briqa_sk.reporting import software_versions

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
        If two scans would have copies of one name, or there is no scan outside ``out``.
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
        subject = parse_name(name)[0] or name
        for label, wish in wishes:
            for number in range(1, n_copies + 1):
                numbered = f"{label}{f'n{number}' if n_copies > 1 else ''}"
                full = _described(name, numbered)
                own_seed = zlib.crc32(f"{seed} {full}".encode(errors="surrogateescape"))
                copies.append(Copy(source, full, subject, artifacts, wish, own_seed))
    return copies


def find_missing(out, copies):
    """Return the copies that are still to be made, by source.

    Parameters
    ----------
    out : pathlib.Path
        Folder of all copies.
    copies : list of Copy
        Those wanted.

    Returns
    -------
    missing : list of list of Copy
        One list for each source that lacks a copy.

    Raises
    ------
    ValueError
        If the folder holds something else under one of the names: a copy of another
        scan or with other artifacts, a JSON of somebody else, or their table; or if it
        holds copies of another version.
    """
    holds_copies = _holds_copies(out)
    hashes, missing = {}, {}
    for copy in copies:
        path = _scan_path(out, copy)
        facts = None if _is_damaged(path) else read_facts(sidecar_of(path))
        if facts is not None and copy.source not in hashes:
            hashes[copy.source] = _hash_if_there(copy.source)
        if facts is not None and not _is_same(facts, copy, hashes[copy.source]):
            raise ValueError(
                f"{out} must be empty or hold copies of this very run, got "
                f"{sidecar_of(path)} of something else. Choose another folder, or "
                "remove what is in this one."
            )
        holds_copies |= path.exists()
        made = read_made(path)
        if not made or not is_unchanged(path, made):
            missing.setdefault(copy.source, []).append(copy)
    if (out / "labels.tsv").exists() and not holds_copies:
        raise ValueError(
            f"{out} must be empty or hold copies of this very run, got labels.tsv of "
            "something else. Choose another folder."
        )
    return list(missing.values())


def make_copies(simulator, copies, out):
    """Write copies of one scan, each with its provenance.

    Parameters
    ----------
    simulator : ArtifactSimulator
        What corrupts.
    copies : list of Copy
        Of one source.
    out : pathlib.Path
        Folder of all copies.

    Returns
    -------
    refusal : dict or None
        See :func:`refuse`, of a scan of which at least one copy can't be made: the
        first reason.
    """
    source, refusal = copies[0].source, None
    try:
        volume, sha256 = read_source(source), hash_file(source)
    except (UnreadableVolumeError, ValueError) as error:
        return refuse(source, error)
    for copy in copies:
        try:
            made, record = simulator.corrupt(
                volume, copy.severities, random_state=copy.seed
            )
            facts = {
                **asdict(copy),
                "source": relative_path(source, out),
                "source_sha256": sha256,
                "record": {**record, "seed": copy.seed},
                "software": software_versions() | {"briqa_sk": __version__},
            }
            write_made(made, _scan_path(out, copy), facts)
        except ValueError as error:  # what an artifact can't act on, or made of it
            refusal = refusal or refuse(source, error)
    return refusal


def inspect(source):
    """Return the Source at a path and no refusal, or the path and a refusal."""
    try:
        return inspect_source(source), None
    except (UnreadableVolumeError, ValueError) as error:
        return source, refuse(source, error)


def refuse(source, error):
    """Return ``source``, ``finding`` and ``message``: what is wrong with a scan."""
    finding = getattr(error, "finding", "unfit")
    return {"source": source, "finding": finding, "message": str(error)}


def list_copies(out, copies):
    """Return the row of every complete copy in a folder, whichever run made it.

    Bytes are not compared, so that a run that is stopped has its table at once.

    Parameters
    ----------
    out : pathlib.Path
        Folder of all copies.
    copies : list of Copy
        Those that come first, in this order.

    Returns
    -------
    rows : list of dict
        ``path`` and ``source``, both relative to the folder, ``subject``, severities,
        strengths and ``seed``; 0 for artifacts that were not thought of when the copy
        was made.
    """
    others = (os.path.relpath(path, out) for path in sorted(out.rglob("*.json")))
    names = [copy.name for copy in copies] + [
        path.removesuffix(".json") for path in others
    ]
    rows = []
    for name in dict.fromkeys(names):
        facts = read_made(out / f"{name}.nii.gz") or {}
        if facts.get("name") == name and "record" in facts:
            rows.append(_row(facts))
    columns = dict.fromkeys(key for row in rows for key in row)
    return [{column: row.get(column, 0) for column in columns} for row in rows]


def _row(facts):
    record = {k: v for k, v in facts["record"].items() if k != "parameters"}
    keys = {key: facts[key] for key in ("source", "subject")}
    return {"path": f"{facts['name']}.nii.gz", **keys, **record}


def _is_same(facts, copy, sha256):
    keys = ("name", "artifacts", "severities", "seed")
    same = all(facts.get(key) == getattr(copy, key) for key in keys)
    return same and facts.get("source_sha256") == sha256


def _is_damaged(path):
    """Return whether provenance was lost: an empty JSON, or a broken one of a copy."""
    sidecar = sidecar_of(path)
    if read_facts(sidecar) != {}:
        return False
    return path.exists() or not sidecar.read_bytes().strip(b"\0 \r\n\t")


def _holds_copies(out):
    """Return whether a folder holds copies; refuse those of another version."""
    holds_copies = False
    for path in sorted(out.rglob("*.json")):
        facts = read_facts(path) or {}
        if not {"name", "record", "software"} <= facts.keys():
            continue
        version = facts["software"].get("briqa_sk")
        if _series(version) != _series(__version__):
            raise ValueError(
                f"{out} must be empty or hold copies of this version, {__version__}, "
                f"got {path} of version {version}, whose artifacts are others. Choose "
                "another folder, or remove what is in this one."
            )
        holds_copies = True
    return holds_copies


def _series(version):
    """Return the part of a version that says which artifacts it has: "0.2"."""
    return str(version).split(".")[:2]


def _hash_if_there(path):
    try:
        return hash_file(path)
    except OSError:
        return None


def _named(scans, out):
    """Return source -> name of its copies, relative and without an ending."""
    named = {
        source: _without_ending(os.path.relpath(source, folder))
        for source, folder in find_sources(scans, out).items()
    }
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
    """Put a label before the suffix of a scan of a known subject, as BIDS does."""
    suffix = _SUFFIX.search(name)
    cut = suffix.start() if suffix and parse_name(name)[0] else len(name)
    return f"{name[:cut]}_desc-{label}{name[cut:]}"


def _scan_path(out, copy):
    return out / f"{copy.name}.nii.gz"
