"""The skorch net that the estimators hold."""

import contextlib
from collections.abc import Mapping

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import EarlyStopping
from skorch.utils import to_tensor
from torch.utils.data import DataLoader

from briqa_sk.networks import find_head, record_features

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


#: Just below the largest block, 32 MiB, from which glibc learns.
LARGEST_KEPT_BLOCK = 31 * 2**20


class _FitInterrupted(BaseException):
    """A person pressed Ctrl-C; skorch would carry on as if training had ended."""


class SeverityNet(NeuralNetClassifier):
    """A skorch classifier over ranks whose batches, weights and loss are ours.

    It differs from skorch's in four places: the data set brings its own batches; a
    batch carries sample weights; a loss may read what enters the head; and an
    interrupt is an interrupt, unless it is skorch's way to stop early.
    """

    _record = None  # what enters the head, while an epoch runs

    def get_iterator(self, dataset, training=False):
        """Return a loader over the batches of the data set."""
        if not hasattr(dataset, "batches"):  # somebody uses the net on its own
            return super().get_iterator(dataset, training)
        prefix = "iterator_train" if training else "iterator_valid"
        return DataLoader(
            dataset,
            batch_sampler=dataset.batches,
            collate_fn=_as_is,
            # Without one of its own, a loader draws from torch's global stream.
            generator=torch.Generator(),
            **self.get_params_for(prefix),
        )

    def infer(self, x, **fit_params):
        """Return the logits of a batch."""
        x = x["x"] if isinstance(x, Mapping) else x
        x = to_tensor(x, device=self.device)
        with self._mixed_precision():
            logits = self.module_(x, **fit_params)
        expected = (len(x), self.criterion_.n_outputs)
        if logits.shape != expected:
            raise ValueError(
                f"SeverityClassifier: module must return logits of shape {expected}, "
                f"one for each of its n_outputs, got {tuple(logits.shape)}."
            )
        return logits.to(_at_least_float32(x))

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the weighted loss of a batch."""
        target = to_tensor(y_true, device=self.device)
        plane = X.get("plane")
        if plane is not None:
            plane = to_tensor(plane, device=self.device)
            target = torch.column_stack([target, plane])  # (batch, n_heads)
        weight = X.get("weight")
        if weight is not None:
            weight = to_tensor(weight, device=self.device).to(y_pred.dtype)
        features = self._record.features if training and self._record else None
        return self.criterion_(y_pred, target, weight, features)

    def _set_training(self, training=True):
        # skorch walks through all layers before each batch; once per change will do.
        if self.module_.training != training or self.criterion_.training != training:
            super()._set_training(training)

    def fit_loop(self, *args, **kwargs):
        """Train; end quietly for early stopping, and for nothing else."""
        try:
            return super().fit_loop(*args, **kwargs)
        except KeyboardInterrupt as interrupt:
            if self._has_stopped_early():
                raise
            raise _FitInterrupted from interrupt

    def _has_stopped_early(self):
        stoppers = [c for _, c in self.callbacks_ if isinstance(c, EarlyStopping)]
        return any(stopper.misses_ == stopper.patience for stopper in stoppers)

    def run_single_epoch(self, iterator, training, *args, **kwargs):
        """Run one pass over the data."""
        with self._recorded_features(training):
            super().run_single_epoch(iterator, training, *args, **kwargs)
        if training:
            losses = self.history[-1, "batches", :, "train_loss"]
            if not np.isfinite(losses).all():
                raise ValueError(
                    "SeverityClassifier: the training loss must stay finite, got "
                    f"{losses[-1]} in epoch {len(self.history)}. Lower lr."
                )

    @contextlib.contextmanager
    def _recorded_features(self, training):
        """Record what enters the head during an epoch, if the loss reads it."""
        if not (training and self.criterion_.reads_features):
            yield
            return
        head = find_head(self.module_, self.criterion_.n_outputs)
        try:
            with record_features(head) as self._record:
                yield
        finally:
            self._record = None

    def log_proba(self, dataset):
        """Return the log-probability of every rank, ``(n_samples, n_classes)``."""
        return self._apply(self.criterion_.log_proba, dataset)

    def log_proba_of_heads(self, dataset):
        """Return that of every head, a list of ``(n_samples, n_classes)`` arrays."""
        log_proba = self._apply(
            lambda logits: torch.cat(self.criterion_.log_proba_of_heads(logits), dim=1),
            dataset,
        )
        ends = np.cumsum([head.n_classes for head in self.criterion_.heads])
        return np.split(log_proba, ends[:-1], axis=1)

    def _apply(self, function, dataset):
        with torch.no_grad():
            logits = torch.cat(list(self.forward_iter(dataset))).to(self.device)
            return function(logits).cpu().numpy()

    def _get_predict_nonlinearity(self):
        return self._proba

    def _proba(self, logits):
        return self.criterion_.log_proba(logits).exp()

    def _mixed_precision(self):
        # bfloat16 has the range of float32, so no loss scaling is needed. GPUs without
        # it compute in float32.
        device = torch.device(self.device)
        if device.type == "cuda" and torch.cuda.is_bf16_supported():
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return contextlib.nullcontext()


def train(net, dataset, n_epochs, validation=None):
    """Train an initialized net for some epochs.

    Parameters
    ----------
    net : SeverityNet
        Changed in place.
    dataset : VolumeDataset
        What to train on.
    n_epochs : int
        How many.
    validation : VolumeDataset or None, default=None
        Scored after each epoch.

    Raises
    ------
    KeyboardInterrupt
        If a person asked for it; the net is then half trained.
    """
    _keep_freed_memory()
    if validation is not None:
        net.train_split = lambda dataset, y=None: (dataset, validation)
    try:
        net.partial_fit(dataset, y=None, epochs=n_epochs)
    except _FitInterrupted as interrupt:
        raise KeyboardInterrupt from interrupt
    finally:
        net.train_split = None


def resolve_optimizer(optimizer, *, caller):
    """Return the optimizer factory that a name stands for."""
    if isinstance(optimizer, str) and optimizer in OPTIMIZERS:
        return OPTIMIZERS[optimizer]
    if callable(optimizer):
        return optimizer
    raise ValueError(
        f"{caller}: optimizer must be one of {', '.join(OPTIMIZERS)}, a torch "
        f"optimizer class, or a callable (parameters, lr), got {optimizer!r}."
    )


def _keep_freed_memory():
    # After each step glibc gives the freed activations back to the system, which hands
    # them out again, page by page and zeroed, in the next: a quarter of a step of a
    # small network. Once it has seen one large block freed it keeps up to twice as
    # much. The block is never touched, so it costs no memory and no time.
    torch.empty(LARGEST_KEPT_BLOCK, dtype=torch.uint8)


def _at_least_float32(x):
    return torch.promote_types(x.dtype, torch.float32)


def _as_is(batch):
    return batch
