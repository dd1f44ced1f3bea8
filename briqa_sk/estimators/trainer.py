"""From samples to a trained net, from top to bottom."""

import contextlib
import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from inspect import signature
from itertools import islice
from numbers import Integral

import numpy as np
import torch
from sklearn.metrics import f1_score
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EarlyStopping
from skorch.utils import to_tensor
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler
from tqdm.auto import tqdm

from briqa_sk._device import resolve_device
from briqa_sk._random import draw_seed, torch_seed
from briqa_sk._validation import check_positive, warn_if_unscaled
from briqa_sk.estimators.checkpoint import Checkpoint, data_identity
from briqa_sk.estimators.samples import VolumeDataset, split_holdout
from briqa_sk.losses import resolve_criterion
from briqa_sk.losses.heads import UNRATED, HeadsCriterion
from briqa_sk.metrics import quadratic_kappa
from briqa_sk.networks import (
    check_network_shape,
    find_head,
    record_features,
    resolve_network,
)
from briqa_sk.sampling import resolve_batches
from briqa_sk.sampling.interleaved import InterleavedBatchSampler

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
#: Length of a fit that is told neither epochs nor steps.
DEFAULT_STEPS = 400
#: Callbacks that belong to one fit; the net forgets them when it ends.
_OF_ONE_FIT = {"clock", "progress", "early_stopping", "checkpoint"}
#: Parameters that change how a fit runs and not what it finds.
_WITHOUT_EFFECT = {"checkpoint_dir", "num_workers", "verbose"}


@dataclass(frozen=True, eq=False)
class Head:
    """What one head of a network learns, and how.

    Parameters
    ----------
    labels : ndarray of shape (n_classes,)
        The label of each rank.
    criterion : str, LossConfig or callable
        Its loss.
    batches : str, BatchPlan, callable or None
        Who shares a batch, as far as this head is asked; None if it isn't.
    is_ordered : bool
        Whether the ranks mean anything.
    weight : float, default=1.0
        What its loss is multiplied by in the sum over the heads.
    """

    labels: np.ndarray
    criterion: object
    batches: object
    is_ordered: bool
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Training:
    """How a network is built and trained.

    The fields are the parameters of :class:`~briqa_sk.SeverityClassifier` of the same
    names, and the name that opens messages.
    """

    module: object
    optimizer: object
    lr: float
    schedule: object
    max_epochs: object
    max_steps: object
    batch_size: int
    augment: object
    early_stopping: bool
    validation_fraction: float
    patience: int
    checkpoint_dir: object
    callbacks: object
    num_workers: int
    device: str
    verbose: int
    random_state: object
    caller: str

    @classmethod
    def of(cls, estimator, *, caller):
        """Return the training that the parameters of an estimator describe.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of range.
        """
        names = [field.name for field in fields(cls) if field.name != "caller"]
        training = cls(**{n: getattr(estimator, n) for n in names}, caller=caller)
        training._check()
        return training

    def _check(self):
        name = self.caller
        check_positive(self.lr, "lr", caller=name)
        for parameter in ("batch_size", "patience"):
            value = getattr(self, parameter)
            check_positive(value, parameter, caller=name, kind=Integral)
        if self.max_epochs is not None:
            check_positive(self.max_epochs, "max_epochs", caller=name, kind=Integral)
        if self.max_steps is not None and self.max_steps != 0:
            check_positive(self.max_steps, "max_steps", caller=name, kind=Integral)
        if self.schedule not in ("cosine", None):
            raise ValueError(
                f"{name}: schedule must be 'cosine' or None, got {self.schedule!r}."
            )
        self._check_augment()
        self._check_stoppers()

    def _check_augment(self):
        if self.augment is None:
            return
        if not callable(self.augment) or isinstance(self.augment, nn.Module):
            raise TypeError(
                f"{self.caller}: augment must be callable or None, got "
                f"{self.augment!r}. An ArtifactSimulator is callable."
            )
        with contextlib.suppress(ValueError):  # a builtin tells no signature
            accepted = signature(self.augment)
            try:
                accepted.bind(None, random_state=None)
            except TypeError as error:
                raise TypeError(
                    f"{self.caller}: augment must be called as augment(volume, "
                    "random_state=rng) and return a Volume, got "
                    f"{type(self.augment).__name__}{accepted}. Wrap it in a function "
                    "that does."
                ) from error

    def _check_stoppers(self):
        if self.early_stopping:
            return
        for callback in self.callbacks or ():
            callback = callback[1] if isinstance(callback, tuple) else callback
            monitor = getattr(callback, "monitor", None)
            if isinstance(callback, EarlyStopping) and str(monitor).startswith("valid"):
                raise ValueError(
                    f"{self.caller}: an EarlyStopping among the callbacks that looks "
                    f"at {monitor!r} must have a validation set, got "
                    "early_stopping=False. Set early_stopping=True instead, or "
                    "monitor='train_loss'."
                )

    def count_steps(self, n_batches):
        """Return how many steps a fit has, given the batches of an epoch."""
        if self.max_epochs is None and self.max_steps is None:
            return DEFAULT_STEPS
        by_epochs = math.inf if self.max_epochs is None else self.max_epochs * n_batches
        by_steps = math.inf if self.max_steps is None else self.max_steps
        return min(by_epochs, by_steps)


def fit_network(samples, heads, training, *, shape, initial=None):
    """Train a network with some heads.

    Parameters
    ----------
    samples : Samples
        Volumes, and a rank for each head.
    heads : list of Head
        The first that have ``batches`` learn artifacts.
    training : Training
        How.
    shape : tuple of int
        Shape (i, j, k) of the volumes.
    initial : torch.nn.Module or None, default=None
        An equal network whose weights to start from.

    Returns
    -------
    net : SeverityNet
        The trained net.

    Raises
    ------
    ValueError
        If parameters don't fit the samples, see :class:`~briqa_sk.SeverityClassifier`.
    KeyboardInterrupt
        If a person asked for it.
    """
    checkpoint = _find_checkpoint(samples, heads, training, initial)
    state = checkpoint.read() if checkpoint else None
    seed = state["seed"] if state else draw_seed(training.random_state)
    n_graded = sum(head.batches is not None for head in heads)
    learned, held_out = samples, None
    if training.early_stopping:
        learned, held_out = split_holdout(
            samples,
            n_graded,
            training.validation_fraction,
            seed,
            caller=training.caller,
        )
    dataset = make_training_set(learned, heads, training, shape, seed)
    validation = None
    if held_out is not None:
        validation = make_plain_set(
            held_out, shape, training.batch_size, n_graded, training.caller
        )
    n_batches = len(dataset.batches)
    dataset.n_steps = training.count_steps(n_batches)
    n_epochs = math.ceil(dataset.n_steps / n_batches)
    n_done = len(state["history"]) if state else 0
    callbacks = _make_callbacks(training, dataset, validation, checkpoint)
    with torch_seed(seed, resolve_device(training.device, caller=training.caller)):
        criterion = make_criterion(learned, heads, training)
        net = make_net(criterion, training, shape, callbacks)
        if initial is not None:
            _start_from(net, initial, training)
        if n_epochs:
            train(net, dataset, n_epochs - n_done, validation)
    net.callbacks = list(training.callbacks or ())
    net.callbacks_ = [c for c in net.callbacks_ if c[0] not in _OF_ONE_FIT]
    net.seed_, net.n_shown_ = seed, dataset.n_steps * training.batch_size
    if checkpoint:
        checkpoint.remove()
    return net


def partial_fit_network(net, samples, heads, training, *, shape):
    """Train a net for one more epoch, at a constant learning rate.

    Parameters
    ----------
    net : SeverityNet or None
        Changed in place; None starts a new one.
    samples, heads, training, shape
        As in :func:`fit_network`.

    Returns
    -------
    net : SeverityNet
        The net. Its losses follow the labels of the latest samples; what its
        probabilities speak for, those of all samples that it was shown.
    """
    seed = draw_seed(training.random_state) if net is None else net.seed_
    dataset = make_training_set(samples, heads, training, shape, seed)
    make = make_criterion(samples, heads, training)
    if net is None:
        with torch_seed(seed, resolve_device(training.device, caller=training.caller)):
            net = make_net(make, training, shape)
        net.seed_, net.n_shown_ = seed, 0
    before = net.criterion_
    net.criterion_ = make().to(net.device)
    for group in net.optimizer_.param_groups:
        group["lr"] = training.lr  # after a fit, a schedule has brought it down
    dataset.epoch = epoch = len(net.history)
    dataset.batches.load_state_dict({"seed": seed, "epoch": epoch, "batch": 0})
    with torch_seed(draw_seed([seed, epoch]), net.device):
        train(net, dataset, 1)
    n_shown = len(dataset.batches) * training.batch_size
    net.criterion_.mix_priors(before, net.n_shown_ / (net.n_shown_ + n_shown))
    net.n_shown_ += n_shown
    return net


def make_training_set(samples, heads, training, shape, seed):
    """Return samples with the batches that the heads ask for.

    Several artifacts are asked in turn.
    """
    plans = [head for head in heads if head.batches is not None]
    samplers, members = [], []
    for number, head in enumerate(plans):
        plan = resolve_batches(head.batches, caller=training.caller)
        rated = np.flatnonzero(samples.rank[:, number] != UNRATED)
        y = head.labels[samples.rank[rated, number]]
        own = seed if len(plans) == 1 else draw_seed([seed, number])
        samplers.append(plan(y, training.batch_size, head.labels, own))
        members.append(rated)
    batches = samplers[0]
    if len(plans) > 1:
        batches = InterleavedBatchSampler(samplers, members)
    return VolumeDataset(
        samples,
        shape=shape,
        batches=batches,
        n_graded=len(plans),
        augment=training.augment,
        orders=[head.labels.tolist() if head.is_ordered else () for head in plans],
        seed=seed,
        caller=training.caller,
    )


def make_plain_set(samples, shape, batch_size, n_graded, caller):
    """Return samples in their order, each once."""
    return VolumeDataset(
        samples,
        shape=shape,
        batches=BatchSampler(SequentialSampler(samples.X), batch_size, drop_last=False),
        n_graded=n_graded,
        caller=caller,
    )


def make_criterion(samples, heads, training):
    """Return what builds the criterion of all heads.

    Each loss is told what the batches show of its grades, so that a loss and batches
    that both balance don't do so twice.
    """
    known = dealt_shares(samples.rank, heads, caller=training.caller)
    dealt = np.full(len(samples), 1 / len(samples)) if known is None else known
    if samples.weight is not None:
        dealt = dealt * samples.weight
    makers, priors = [], []
    for head, rank in zip(heads, samples.rank.T, strict=True):
        config = resolve_loss(head, caller=training.caller)
        rated = rank != UNRATED
        counts = len(samples) * np.bincount(
            rank[rated], dealt[rated], minlength=len(head.labels)
        )
        makers.append(partial(config, counts))
        states_prior = known is not None and hasattr(config, "prior")
        priors.append(config.prior(counts) if states_prior else None)
    weights = [head.weight for head in heads]
    return partial(HeadsCriterion, makers, weights, priors)


def dealt_shares(rank, heads, *, caller):
    """Return how often batches show each sample.

    Parameters
    ----------
    rank : ndarray of shape (n_samples, n_heads)
        See :class:`Samples`.
    heads : list of Head
        Those with ``batches`` are asked in turn.
    caller : str
        Opens the error messages.

    Returns
    -------
    shares : ndarray of shape (n_samples,) or None
        Sums to 1; None where batches don't say so.
    """
    shares, plans = np.zeros(len(rank)), [h for h in heads if h.batches is not None]
    for number, head in enumerate(plans):
        plan = resolve_batches(head.batches, caller=caller)
        if not hasattr(plan, "prior"):
            return None
        rated = rank[:, number] != UNRATED
        ranks = rank[rated, number]
        counts = np.bincount(ranks, minlength=len(head.labels))
        prior = plan.prior(counts, head.labels)
        if prior is None:
            return None
        shares[rated] += (prior / np.maximum(counts, 1))[ranks] / len(plans)
    return shares


def resolve_loss(head, *, caller):
    """Return the loss configuration of a head."""
    config = resolve_criterion(head.criterion, caller=caller)
    is_class = isinstance(config, type)
    if isinstance(config, nn.Module) or (is_class and issubclass(config, nn.Module)):
        raise TypeError(
            f"{caller}: criterion must be a name or a configuration that makes a "
            f"briqa_sk.losses.Criterion, got torch's {config!r}. For plain "
            "cross-entropy write criterion='cross_entropy'."
        )
    return config.of_grades(head.labels) if hasattr(config, "of_grades") else config


def make_net(criterion, training, shape, callbacks=()):
    """Return an initialized net; ``criterion`` builds its loss."""
    module = resolve_network(training.module, caller=training.caller)
    check_network_shape(module, shape, caller=training.caller)
    net = SeverityNet(
        partial(module, 1, criterion().n_outputs),
        criterion=criterion,
        optimizer=_resolve_optimizer(training.optimizer, caller=training.caller),
        lr=training.lr,
        train_split=None,
        device=resolve_device(training.device, caller=training.caller),
        iterator_train__num_workers=training.num_workers,
        iterator_valid__num_workers=training.num_workers,
        callbacks=[*callbacks],
        callbacks__print_log=None,
        callbacks__valid_acc=None,
        callbacks__valid_loss=None,  # the net records that of the whole set
        verbose=0,
        classes=list(range(criterion().n_classes)),
    )
    net.initialize()
    _check_head(net, shape)
    return net


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
    if validation is not None:
        net.train_split = lambda dataset, y=None: (dataset, validation)
    try:
        net.partial_fit(dataset, y=None, epochs=n_epochs)
    except _FitInterrupted as interrupt:
        raise KeyboardInterrupt from interrupt
    finally:
        net.train_split = None


class _FitInterrupted(BaseException):
    """A person pressed Ctrl-C; skorch would carry on as if training had ended."""


class SeverityNet(NeuralNetClassifier):
    """A skorch classifier over ranks whose batches, weights and loss are ours.

    It differs from skorch's in five places: the data set brings its own batches; a
    batch carries sample weights and the ranks of all heads; a loss may read what enters
    the head; the validation loss is that of the whole set; and an interrupt is an
    interrupt, unless it is skorch's way to stop early.
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
        return logits.to(torch.promote_types(x.dtype, torch.float32))

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the weighted loss of a batch."""
        rank = to_tensor(X["rank"], device=self.device)
        weight = X.get("weight")
        if weight is not None:
            weight = to_tensor(weight, device=self.device).to(y_pred.dtype)
        if training and "dealt" in X:
            self.criterion_.count_raised(X["dealt"], X["rank"], X.get("weight"))
        features = self._record.features if training and self._record else None
        return self.criterion_(y_pred, rank, weight, features)

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

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run one pass over the data."""
        if iterator is None:
            return
        if not training:
            self._validate(iterator, prefix, step_fn, **fit_params)
            return
        batches = islice(iterator, iterator.dataset.n_batches_left)
        with self._recorded_features():
            super().run_single_epoch(batches, training, prefix, step_fn, **fit_params)
        losses = self.history[-1, "batches", :, "train_loss"]
        if not np.isfinite(losses).all():
            raise ValueError(
                "SeverityClassifier: the training loss must stay finite, got "
                f"{losses[-1]} in epoch {len(self.history)}. Lower lr."
            )

    def _validate(self, iterator, prefix, step_fn, **fit_params):
        """Record the loss and the scores of the whole validation set."""
        seen = []

        def keep(batch, **fit_params):
            step = step_fn(batch, **fit_params)
            seen.append((step["y_pred"], batch[0]))
            return step

        super().run_single_epoch(iterator, False, prefix, keep, **fit_params)
        logits = torch.cat([y_pred for y_pred, _ in seen])
        known = {k: torch.cat([x[k] for _, x in seen]) for k in seen[0][1] if k != "x"}
        with torch.no_grad():
            loss = float(self.get_loss(logits, None, X=known))
        earlier = [
            row["valid_loss"] for row in self.history[:-1] if "valid_loss" in row
        ]
        best = min(earlier, default=math.inf)
        self.history.record("valid_loss", loss)
        self.history.record("valid_loss_best", loss < best)
        n_graded = iterator.dataset.n_graded
        log_proba = self.criterion_.log_proba_of_heads(logits)[:n_graded]
        predicted = [log.argmax(dim=1).cpu().numpy() for log in log_proba]
        for name, score in _scores(known["rank"].numpy().T, predicted).items():
            self.history.record(f"valid_{name}", score)

    @contextlib.contextmanager
    def _recorded_features(self):
        """Record what enters the head during an epoch, if the loss reads it."""
        if not self.criterion_.reads_features:
            yield
            return
        head = find_head(self.module_, self.criterion_.n_outputs)
        try:
            with record_features(head) as self._record:
                yield
        finally:
            self._record = None

    def log_proba_of_heads(self, dataset):
        """Return the log-probabilities of each head's ranks.

        Parameters
        ----------
        dataset : VolumeDataset
            From :func:`make_plain_set`.

        Returns
        -------
        log_proba : list of ndarray of shape (n_samples, n_classes)
            Those that the losses stand for; see :meth:`prior_of`.

        Raises
        ------
        ValueError
            If one is NaN.
        """
        with torch.no_grad():
            logits = torch.cat(list(self.forward_iter(dataset))).to(self.device)
            heads = self.criterion_.log_proba_of_heads(logits)
        if torch.isnan(logits).any():
            raise ValueError(
                "SeverityClassifier: the network must give numbers, got NaN for "
                f"{int(torch.isnan(logits).any(dim=1).sum())} of {len(logits)} scans. "
                "Its weights are damaged, or its training failed."
            )
        return [head.cpu().numpy() for head in heads]

    def prior_of(self, head):
        """Return for which frequencies of the ranks a head speaks, or None."""
        return self.criterion_.prior_of(head)

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


def _scores(ranks, predicted):
    """Return mean macro F1 and quadratic kappa over the artifacts."""
    f1, kappa = [], []
    for truth, guess in zip(ranks[: len(predicted)], predicted, strict=True):
        rated = truth != UNRATED
        if rated.any():
            f1.append(f1_score(truth[rated], guess[rated], average="macro"))
        if len(np.union1d(truth[rated], guess[rated])) > 1:  # otherwise it is 0 / 0
            kappa.append(quadratic_kappa(truth[rated], guess[rated]))
    return {
        name: float(np.mean(values)) if values else math.nan
        for name, values in (("f1_macro", f1), ("kappa", kappa))
    }


class EpochClock(Callback):
    """Tell the data set which epoch it is, and the optimizer which step.

    The learning rate is a function of the step alone, so a resumed fit follows the same
    curve without any scheduler state.

    Parameters
    ----------
    n_steps : int
        Length of the fit.
    schedule : {"cosine", None}
        ``lr * (1 + cos(pi * step / n_steps)) / 2``, or constant.
    caller : str
        Opens the warning of a first batch that is not scaled.
    """

    def __init__(self, n_steps, schedule, caller):
        self.n_steps = n_steps
        self.schedule = schedule
        self.caller = caller

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        """Set the epoch, and the step at which it begins."""
        dataset_train.epoch = len(net.history) - 1
        self.step_ = dataset_train.epoch * len(dataset_train.batches)

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        """Set the learning rate."""
        if not training:
            return
        if self.step_ == 0:
            warn_if_unscaled(batch[0]["x"], caller=self.caller)
        if self.schedule == "cosine":
            lr = net.lr * (1 + math.cos(math.pi * self.step_ / self.n_steps)) / 2
            for group in net.optimizer_.param_groups:
                group["lr"] = lr
        self.step_ += 1


class BatchProgress(Callback):
    """One progress bar over all steps of a fit, on a terminal.

    Parameters
    ----------
    n_steps : int
        Length of the fit.
    """

    def __init__(self, n_steps):
        self.n_steps = n_steps

    def initialize(self):
        """Start without a bar."""
        self.bar_ = None
        return self

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        """Open the bar before the first batch, at the epoch a resumed fit is in."""
        epoch, n_batches = len(net.history) - 1, len(dataset_train.batches)
        if self.bar_ is None:
            self.bar_ = tqdm(
                total=self.n_steps,
                initial=epoch * n_batches,
                unit="step",
                desc="fit",
                disable=None,
            )
        n_epochs = math.ceil(self.n_steps / n_batches)
        self.bar_.set_description(f"epoch {epoch + 1}/{n_epochs}", refresh=False)

    def on_batch_end(self, net, training=False, loss=None, **kwargs):
        """Move on by one."""
        if training:
            self.bar_.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
            self.bar_.update()

    def on_train_end(self, net, **kwargs):
        """Close the bar."""
        if self.bar_ is not None:
            self.bar_.close()
            self.bar_ = None


def _make_callbacks(training, dataset, validation, checkpoint):
    callbacks = [
        ("clock", EpochClock(dataset.n_steps, training.schedule, training.caller))
    ]
    callbacks += copy.deepcopy(list(training.callbacks or ()))
    if training.verbose:
        callbacks.append(("progress", BatchProgress(dataset.n_steps)))
    if validation is not None:
        stopper = EarlyStopping(
            patience=training.patience, load_best=True, sink=_silent
        )
        callbacks.append(("early_stopping", stopper))
    if checkpoint:
        callbacks.append(("checkpoint", checkpoint))  # last: it saves the others
    return callbacks


def _find_checkpoint(samples, heads, training, initial):
    if training.checkpoint_dir is None:
        return None
    if not isinstance(training.random_state, Integral | None):
        raise ValueError(
            f"{training.caller}: checkpoint_dir needs random_state to be an int or "
            "None, to tell one fit from another, got "
            f"{type(training.random_state).__name__}."
        )
    weights = None
    if initial is not None:
        state = initial.state_dict()
        weights = {key: tensor.cpu().numpy() for key, tensor in state.items()}
    ingredients = (
        {k: v for k, v in vars(training).items() if k not in _WITHOUT_EFFECT},
        [vars(head) for head in heads],
        weights,
        data_identity(samples.X),
        (samples.rank, samples.weight, samples.groups),
    )
    return Checkpoint.for_fit(
        training.checkpoint_dir, ingredients, caller=training.caller
    )


def _check_head(net, shape):
    """Raise an error unless a loss that reads the features will find those it means."""
    if not net.criterion_.reads_features:
        return
    head = find_head(net.module_, net.criterion_.n_outputs)
    like = next(net.module_.parameters())
    volume = torch.randn((1, 1, *shape), generator=torch.Generator().manual_seed(0))
    net.module_.eval()
    with torch.no_grad(), record_features(head) as record:
        logits = net.module_(volume.to(like))
    if record.features is None or not torch.allclose(head(record.features), logits):
        raise ValueError(
            "SeverityClassifier: a loss that follows gradients must find the linear "
            f"layer that makes the logits, got {head}, the last one of the network "
            "with as many outputs, which makes something else. Register the head "
            "last, or take criterion='cross_entropy'."
        )


def _start_from(net, initial, training):
    try:
        net.module_.load_state_dict(initial.state_dict())
    except RuntimeError as error:
        raise ValueError(
            f"{training.caller}: warm_start needs the network of the previous fit, got "
            f"module={training.module!r} and other weights. Set warm_start=False."
        ) from error


def _resolve_optimizer(optimizer, *, caller):
    if isinstance(optimizer, str) and optimizer in OPTIMIZERS:
        return OPTIMIZERS[optimizer]
    if callable(optimizer):
        return optimizer
    raise ValueError(
        f"{caller}: optimizer must be one of {', '.join(OPTIMIZERS)}, a torch "
        f"optimizer class, or a callable (parameters, lr), got {optimizer!r}."
    )


def _silent(text):
    """Swallow what skorch would print."""


def _as_is(batch):
    return batch


def export_net(net):
    """Return the tensors of a net on the CPU, by name."""
    return {
        f"{part}.{name}": tensor.cpu()
        for part in ("module", "criterion")
        for name, tensor in getattr(net, f"{part}_").state_dict().items()
    }


def import_net(tensors, heads, training, *, shape):
    """Return a net with the tensors of :func:`export_net`.

    Parameters
    ----------
    tensors : dict of str to Tensor
        Weights.
    heads, training, shape
        As in :func:`fit_network`.

    Returns
    -------
    net : SeverityNet
        The net.

    Raises
    ------
    ValueError
        If the tensors are not those of the network that the parameters describe;
        checked before anything of its size is allocated.
    """
    losses = [resolve_loss(head, caller=training.caller) for head in heads]
    make = partial(
        HeadsCriterion,
        [
            partial(c, np.ones(len(h.labels)))
            for c, h in zip(losses, heads, strict=True)
        ],
        [head.weight for head in heads],
        [None] * len(heads),
    )
    criterion = make()
    module = resolve_network(training.module, caller=training.caller)
    with torch.device("meta"):
        empty = module(1, criterion.n_outputs)
    expected = {
        f"{part}.{name}": tensor.shape
        for part, network in (("module", empty), ("criterion", criterion))
        for name, tensor in network.state_dict().items()
    }
    if expected != {name: tensor.shape for name, tensor in tensors.items()}:
        raise ValueError(
            f"{training.caller}: the tensors must be those of "
            f"module={training.module!r} with {len(heads)} heads, got {len(tensors)} "
            "tensors that do not fit."
        )
    with torch_seed(0):
        net = make_net(make, training, shape)
    for part in ("module", "criterion"):
        state = {
            name.removeprefix(f"{part}."): tensor
            for name, tensor in tensors.items()
            if name.startswith(f"{part}.")
        }
        getattr(net, f"{part}_").load_state_dict(state)
    net.seed_, net.n_shown_ = draw_seed(training.random_state), 0
    return net
