"""Models as files that are safe to open: a zip of JSON and safetensors, no pickle."""

import json
import os
import warnings
import zipfile

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from sklearn.base import BaseEstimator

from briqa_sk._device import resolve_device
from briqa_sk._version import __version__
from briqa_sk.exceptions import BriqaWarning, UnsafeModelError
from briqa_sk.io.atomic import write_atomically
from briqa_sk.persistence.codec import Decoder, Encoder

#: 1 was that of versions 0.1 and 0.2, whose models don't say for which prevalence
#: their probabilities speak.
FORMAT = 2
MANIFEST, TENSORS = "manifest.json", "tensors.safetensors"
#: Largest member of a model file, in bytes.
LIMITS = {MANIFEST: 16 * 2**20, TENSORS: 8 * 2**30}


def save(model, path):
    """Write a fitted model to a file that others can open safely.

    The file is a zip of ``manifest.json`` (classes, parameters, fitted values) and
    ``tensors.safetensors`` (weights). It appears whole or not at all.

    Parameters
    ----------
    model : SeverityClassifier, MultiArtifactClassifier or sklearn.pipeline.Pipeline
        Fitted; every step, network, loss and batch plan must come from briqa_sk.
        Parameters that only training needs (``augment``, ``callbacks`` ...) are left
        out, with a warning, where they can't be stored. Those that belong to this
        machine (``device``, ``num_workers``, folders) are always left out.
    path : str or os.PathLike
        The file, by convention ``*.zip``.

    Raises
    ------
    TypeError
        If a part of the model is not in :data:`briqa_sk.persistence.REGISTRY`.
    ValueError
        If :func:`load` would refuse the file, because parameters were changed after
        ``fit``.

    See Also
    --------
    load : Read it back.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import briqa_sk
    >>> X = np.random.default_rng(0).normal(size=(6, 8, 8, 8))
    >>> clf = briqa_sk.SeverityClassifier(max_epochs=1).fit(X, [0, 0, 1, 1, 2, 2])
    >>> path = tempfile.mkdtemp() + "/model.zip"
    >>> briqa_sk.save(clf, path)
    >>> bool((briqa_sk.load(path).predict(X) == clf.predict(X)).all())
    True
    """
    encoder = Encoder()
    manifest = {
        "format": FORMAT,
        "briqa_sk": __version__,
        "model": encoder.encode(model, where=type(model).__name__),
    }
    for part, kind in encoder.left_out:
        warnings.warn(
            f"save: {part} is left out of the file, because {kind} can't be stored; "
            "only training needs it.",
            BriqaWarning,
            stacklevel=2,
        )
    _check_readable(manifest, encoder.tensors)
    text = json.dumps(manifest, indent=1).encode()

    def write(file):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(MANIFEST, text)
            archive.writestr(TENSORS, save_tensors(encoder.tensors))

    write_atomically(path, write)


def _check_readable(manifest, tensors):
    """Raise an error unless what is to be written could be read."""
    model = manifest["model"]
    try:
        Decoder(tensors, "the file", "cpu").decode(json.loads(json.dumps(model)))
    except (UnsafeModelError, ValueError) as error:
        raise ValueError(
            "save: the parameters of a model must be those that it was fitted with, "
            f"got some that don't go with its weights: {error}"
        ) from error


def load(path, *, device="auto"):
    """Read a model that :func:`save` wrote.

    Nothing in the file is executed: classes come from a closed list, weights from
    safetensors, and the sizes of both are checked before they are read. What the file
    says of devices, worker processes and folders is not heard.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    device : str, default="auto"
        Where the network runs from now on, whatever machine it was trained on;
        ``"auto"`` takes a GPU if there is one.

    Returns
    -------
    model : SeverityClassifier, MultiArtifactClassifier or sklearn.pipeline.Pipeline
        Fitted, ready to predict.

    Raises
    ------
    UnsafeModelError
        If the file is damaged, too large, or holds anything but a model.
    OSError
        If there is no file, or no permission to read it.
    """
    name = os.fspath(path)
    resolve_device(device, caller="load")  # a wrong one is not the file's fault
    with open(path, "rb") as file:
        try:
            return _load(file, name, device)
        except (
            UnsafeModelError,
            ImportError,
            MemoryError,
            torch.cuda.OutOfMemoryError,
        ):
            raise
        except Exception as error:
            # Of bytes from a stranger zipfile, torch and the constructors make errors
            # of a dozen kinds, and not all of them are documented.
            raise UnsafeModelError(
                f"load: {name} must be a model file written by briqa_sk.save, got "
                f"{type(error).__name__}: {error}"
            ) from error


def _load(file, name, device):
    with zipfile.ZipFile(file) as archive:
        members = _read_members(archive, name)
    manifest = json.loads(members[MANIFEST])
    if manifest["format"] != FORMAT:
        raise UnsafeModelError(
            f"load: {name} must have model format {FORMAT}, got "
            f"{manifest['format']!r}. Install the briqa_sk that wrote it, "
            f"{manifest.get('briqa_sk')}."
        )
    model = Decoder(load_tensors(members[TENSORS]), name, device).decode(
        manifest["model"]
    )
    if not isinstance(model, BaseEstimator):
        raise UnsafeModelError(
            f"load: {name} must hold an estimator, got {type(model).__name__}."
        )
    return model


def _read_members(archive, name):
    """Return the two members as bytes, sizes checked first."""
    infos = {info.filename: info for info in archive.infolist()}
    if set(infos) != set(LIMITS) or len(archive.infolist()) != len(LIMITS):
        raise UnsafeModelError(
            f"load: {name} must hold {MANIFEST} and {TENSORS} only, got "
            f"{sorted(infos)[:5]}."
        )
    for member, info in infos.items():
        stored = info.compress_type == zipfile.ZIP_STORED
        if info.file_size > LIMITS[member] or not stored:
            raise UnsafeModelError(
                f"load: {member} in {name} must be stored uncompressed with at most "
                f"{LIMITS[member]} bytes, got {info.file_size} bytes."
            )
    return {member: archive.read(member) for member in infos}
