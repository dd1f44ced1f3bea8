"""Where an interrupted fit goes on."""

import io
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from pathlib import Path
from pickle import PicklingError, UnpicklingError

import joblib
import numpy as np
import torch
from skorch.callbacks import Callback, EarlyStopping
from skorch.history import History

from briqa_sk._version import __version__
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.io import VolumeSequence
from briqa_sk.io.atomic import write_atomically

_EARLY_STOPPING = (
    "misses_",
    "dynamic_threshold_",
    "best_epoch_",
    "best_model_weights_",
)

_N_DIGEST = sha256().digest_size

_COMPLETE = ContextVar("complete", default=None)


@contextmanager
def keep_checkpoints():
    """Let complete fits leave their files, and yield the list of these.

    For fits that are parts of a larger one: where that is interrupted, the parts that
    were complete resume after their last epoch.
    """
    paths = []
    token = _COMPLETE.set(paths)
    try:
        yield paths
    finally:
        _COMPLETE.reset(token)


def remove_checkpoints(paths):
    """Remove the files of the parts, now that the whole is complete."""
    for path in paths:
        path.unlink(missing_ok=True)


class Checkpoint(Callback):
    """Save the state of a fit after each epoch, and put it back.

    The file is named by what the fit depends on, so another fold, grid point or data
    set never resumes from it. It is written whole or not at all, read without
    unpickling code, and removed when the fit is complete, or the larger fit that it is
    a part of; see :func:`keep_checkpoints`.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path):
        self.path = path

    @classmethod
    def for_fit(cls, directory, ingredients, *, caller):
        """Return the checkpoint of the fit that ``ingredients`` determine."""
        try:
            key = joblib.hash((__version__, ingredients))
        except (PicklingError, AttributeError, TypeError, RuntimeError) as error:
            raise TypeError(
                f"{caller}: checkpoint_dir needs parameters that can be pickled, to "
                f"tell one fit from another, got {error}. Use a named function "
                "instead of a lambda, or set checkpoint_dir=None."
            ) from error
        Path(directory).mkdir(parents=True, exist_ok=True)
        return cls(Path(directory) / f"{key}.pt")

    def read(self):
        """Return the saved state, or None for a fit that starts from nothing."""
        self.state_ = None
        if self.path.exists():
            try:
                self.state_ = _unpack(self.path.read_bytes())
            except (ValueError, RuntimeError, EOFError, UnpicklingError) as error:
                warnings.warn(
                    f"Checkpoint {self.path} is damaged and the fit starts anew: "
                    f"{error}",
                    BriqaWarning,
                    stacklevel=2,
                )
        return self.state_

    def on_train_begin(self, net, X=None, **kwargs):
        """Put the saved state back."""
        if self.state_ is None:
            return
        for name in ("module_", "criterion_", "optimizer_"):
            getattr(net, name).load_state_dict(self.state_[name])
        net.history = History(self.state_["history"])
        X.batches.load_state_dict(self.state_["batches"])
        for stopper in _early_stoppers(net):
            for name in _EARLY_STOPPING:
                setattr(stopper, name, self.state_["early_stopping"][name])
        _set_rng_state(self.state_["rng"], net.device)
        self.state_ = None

    def on_epoch_end(self, net, dataset_train=None, **kwargs):
        """Save the state."""
        state = {
            name: getattr(net, name).state_dict()
            for name in ("module_", "criterion_", "optimizer_")
        }
        state["history"] = net.history.to_list()
        state["batches"] = dataset_train.batches.state_dict()
        state["seed"] = dataset_train.seed
        state["rng"] = _rng_state(net.device)
        for stopper in _early_stoppers(net):
            state["early_stopping"] = {n: getattr(stopper, n) for n in _EARLY_STOPPING}
        content = _pack(_plain(state))
        try:
            write_atomically(self.path, lambda file: file.write(content))
        except OSError as error:
            warnings.warn(
                f"Checkpoint {self.path} can't be written, and the fit goes on without "
                f"it: {error}",
                BriqaWarning,
                stacklevel=2,
            )

    def remove(self):
        """Forget the fit, unless it is a part of a larger one."""
        paths = _COMPLETE.get()
        if paths is None:
            self.path.unlink(missing_ok=True)
        else:
            paths.append(self.path)


def _pack(state):
    """Return the bytes of a checkpoint: what torch writes, behind its digest."""
    content = io.BytesIO()  # torch fails obscurely if interrupted while it writes
    torch.save(state, content)
    return sha256(content.getvalue()).digest() + content.getvalue()


def _unpack(packed):
    digest, content = packed[:_N_DIGEST], packed[_N_DIGEST:]
    if sha256(content).digest() != digest:
        raise ValueError("its content is not what was written.")
    return torch.load(io.BytesIO(content), "cpu", weights_only=True)


def data_identity(X):
    """Return what tells one X from another without reading its files."""
    if not isinstance(X, VolumeSequence):
        return X
    items = [X.identity(index) for index in range(len(X))]
    hashes = {id(steps): _hash_steps(steps) for _, steps in items}
    return [(source, hashes[id(steps)]) for source, steps in items]


def _hash_steps(steps):
    # A cache returns what it is given, wherever its folder is today.
    return joblib.hash([s for s in steps if not hasattr(s, "load_or_compute")])


def _early_stoppers(net):
    return [c for _, c in net.callbacks_ if isinstance(c, EarlyStopping)]


def _rng_state(device):
    state = {"cpu": torch.get_rng_state()}
    if torch.device(device).type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def _set_rng_state(state, device):
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.device(device).type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)


def _plain(value):
    """Return nested containers with NumPy scalars as Python numbers."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value
