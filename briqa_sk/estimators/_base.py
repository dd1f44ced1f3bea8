"""What every network estimator shares: volumes in, a held skorch net, outputs."""

import copy
from contextlib import contextmanager
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import EarlyStopping
from torch import nn
from torch.utils.data import BatchSampler, SequentialSampler

from briqa_sk._device import resolve_device
from briqa_sk._random import draw_seed, torch_seed
from briqa_sk.estimators._callbacks import BatchProgress, EpochClock
from briqa_sk.estimators._checkpoint import Checkpoint, data_identity
from briqa_sk.estimators._dataset import Samples, VolumeDataset
from briqa_sk.estimators._holdout import split_holdout
from briqa_sk.estimators._net import SeverityNet, resolve_optimizer, train
from briqa_sk.estimators._tensors import export_tensors, has_shapes_of, import_tensors
from briqa_sk.io import as_volumes
from briqa_sk.losses import resolve_criterion
from briqa_sk.networks import check_network_shape, resolve_network
from briqa_sk.sampling import resolve_batches

#: Callbacks that belong to one fit; the net forgets them when it ends.
_OF_ONE_FIT = {"clock", "progress", "early_stopping", "checkpoint"}
#: Parameters that change how a fit runs and not what it finds.
_WITHOUT_EFFECT = {"checkpoint_dir", "num_workers", "verbose"}


class NetworkEstimator(BaseEstimator):
    """Hold a skorch net instead of being one.

    The constructor only stores what it is given; ``fit`` builds ``net_``. That is what
    lets ``clone``, ``GridSearchCV`` and ``check_estimator`` treat the estimator like
    any other. ``net_`` stays public for whoever needs skorch.
    """

    #: Parameters that prediction does not need; a model file may leave them out.
    _training_only = ("augment", "callbacks", "optimizer", "random_state")

    @property
    def _caller(self):
        """What opens messages."""
        return type(self).__name__

    def _check_X(self, X, *, reset):
        X = as_volumes(X, caller=self._caller)
        if reset:
            self.volume_shape_ = tuple(int(size) for size in X[0].shape)
        elif isinstance(X, np.ndarray) and X.shape[1:] != self.volume_shape_:
            raise ValueError(
                f"{self._caller}: X must have the volume shape seen in fit, "
                f"{self.volume_shape_}, got {X.shape[1:]}. Put CropOrPad in the "
                "pipeline."
            )
        return X  # the shapes of a sequence are checked as its items are read

    @contextmanager
    def _all_or_nothing(self):
        """Leave the estimator as it was if the block fails."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def _make_net(self, callbacks=()):
        """Return the net for ``volume_shape_`` and ``class_counts_``, untrained."""
        name = self._caller
        module = resolve_network(self.module, caller=name)
        check_network_shape(module, self.volume_shape_, caller=name)
        criterion = self._criterion_maker()
        n_outputs = criterion().n_outputs
        net = SeverityNet(
            partial(module, 1, n_outputs),
            criterion=criterion,
            optimizer=resolve_optimizer(self.optimizer, caller=name),
            lr=self.lr,
            max_epochs=self.max_epochs,
            train_split=None,
            device=self._device,
            iterator_train__num_workers=self.num_workers,
            iterator_valid__num_workers=self.num_workers,
            callbacks=[*callbacks],
            callbacks__print_log=None,
            verbose=0,
            **self._net_options(),
        )
        return net.initialize()

    def _net_options(self):
        return {"classes": list(range(len(self.class_counts_)))}

    def _criterion_maker(self):
        """Return what builds the criterion of ``class_counts_``."""
        return partial(self._criterion_config(), self.class_counts_)

    def _criterion_config(self):
        name = self._caller
        config = resolve_criterion(self.criterion, caller=name)
        is_class = isinstance(config, type)
        if isinstance(config, nn.Module) or (
            is_class and issubclass(config, nn.Module)
        ):
            raise TypeError(
                f"{name}: criterion must be a name or a configuration that makes a "
                f"briqa_sk.losses.Criterion, got torch's {config!r}. For plain "
                "cross-entropy write criterion='cross_entropy'."
            )
        return config

    @property
    def _device(self):
        return resolve_device(self.device, caller=self._caller)

    def _fit_net(self, samples):
        """Train ``net_`` from its checkpoint, from warm weights or from nothing."""
        checkpoint = self._checkpoint(samples)
        state = checkpoint.read() if checkpoint else None
        self._seed = state["seed"] if state else draw_seed(self.random_state)
        training, validation = self._datasets(samples, self._seed)
        n_done = len(state["history"]) if state else 0
        with torch_seed(self._seed, self._device):
            net = self._make_net(self._callbacks(checkpoint, validation))
            self._warm_up(net)
            train(net, training, self.max_epochs - n_done, validation)
        net.callbacks = list(self.callbacks or ())
        net.callbacks_ = [c for c in net.callbacks_ if c[0] not in _OF_ONE_FIT]
        self.net_ = net
        if checkpoint:
            checkpoint.remove()

    def _continues(self):
        return self.warm_start and hasattr(self, "net_")

    def _warm_up(self, net):
        """Give a new net the weights of the previous fit, if asked for."""
        if not self._continues():
            return
        try:
            net.module_.load_state_dict(self.net_.module_.state_dict())
        except RuntimeError as error:
            raise ValueError(
                f"{self._caller}: warm_start needs the network of the previous "
                f"fit, got module={self.module!r} and criterion={self.criterion!r}, "
                "whose weights differ. Set warm_start=False."
            ) from error

    def _partial_fit_net(self, samples):
        """Train ``net_`` for one more epoch, at a constant learning rate."""
        if not hasattr(self, "_seed"):
            self._seed = draw_seed(self.random_state)
        training = self._training_set(samples, self._seed)
        if not hasattr(self, "net_"):
            with torch_seed(self._seed, self._device):
                self.net_ = self._make_net()
        for group in self.net_.optimizer_.param_groups:
            group["lr"] = self.lr  # after a fit, a schedule has brought it down
        training.epoch = epoch = len(self.net_.history)
        training.batches.load_state_dict(
            {"seed": self._seed, "epoch": epoch, "batch": 0}
        )
        with torch_seed(draw_seed([self._seed, epoch]), self.net_.device):
            train(self.net_, training, 1)

    def _checkpoint(self, samples):
        if self.checkpoint_dir is None:
            return None
        name = self._caller
        if not isinstance(self.random_state, Integral | None):
            raise ValueError(
                f"{name}: checkpoint_dir needs random_state to be an int or None, to "
                f"tell one fit from another, got {type(self.random_state).__name__}."
            )
        parameters = self.get_params(deep=False)
        for parameter in _WITHOUT_EFFECT:
            del parameters[parameter]
        weights = None
        if self._continues():
            state = self.net_.module_.state_dict()
            weights = {key: tensor.cpu().numpy() for key, tensor in state.items()}
        ingredients = (
            type(self).__name__,
            parameters,
            weights,
            data_identity(samples.X),
            samples.labels(),
        )
        return Checkpoint.for_fit(self.checkpoint_dir, ingredients, caller=name)

    def _callbacks(self, checkpoint, validation):
        clock = EpochClock(self.max_epochs, self.schedule)
        # Copies: a net writes into its callbacks, and a fit must not change parameters.
        callbacks = [("clock", clock), *copy.deepcopy(list(self.callbacks or ()))]
        if self.verbose:
            callbacks.append(("progress", BatchProgress(self.max_epochs)))
        if validation is not None:
            stopper = EarlyStopping(
                patience=self.patience, load_best=True, sink=_silent
            )
            callbacks.append(("early_stopping", stopper))
        if checkpoint:
            callbacks.append(("checkpoint", checkpoint))  # last: it saves the others
        return callbacks

    def _datasets(self, samples, seed):
        """Return the training and the validation set (or None)."""
        if not self.early_stopping:
            return self._training_set(samples, seed), None
        train, valid = split_holdout(
            samples.rank,
            samples.groups,
            self.validation_fraction,
            seed,
            caller=self._caller,
        )
        return (
            self._training_set(samples.take(train), seed),
            self._plain_set(samples.take(valid)),
        )

    def _training_set(self, samples, seed):
        return VolumeDataset(
            samples,
            shape=self.volume_shape_,
            batches=self._make_batches(samples, seed),
            augment=self.augment,
            orders=self._orders(samples),
            seed=seed,
            caller=self._caller,
        )

    def _orders(self, samples):
        """Return the grades of each artifact, if they have an order."""
        return [self.grades_.tolist() if samples.is_ordered else ()]

    def _make_batches(self, samples, seed):
        plan = resolve_batches(self.batches, caller=self._caller)
        return plan(samples.y, self.batch_size, self.grades_, seed)

    def _plain_set(self, samples):
        return VolumeDataset(
            samples,
            shape=self.volume_shape_,
            batches=BatchSampler(
                SequentialSampler(samples.X), self.batch_size, drop_last=False
            ),
            caller=self._caller,
        )

    def _log_proba_by_rank(self, X):
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        return self.net_.log_proba(self._plain_set(Samples.unlabelled(X)))

    def _export_network(self):
        """Return the tensors of the fitted net, by name."""
        return export_tensors(self.net_)

    def _import_network(self, tensors):
        """Build ``net_`` around the tensors of :meth:`_export_network`.

        Raises
        ------
        ValueError
            If the tensors are not those of the network that the parameters describe;
            checked before anything of its size is allocated.
        """
        name = self._caller
        module = resolve_network(self.module, caller=name)
        if not has_shapes_of(tensors, module, self._criterion_maker()):
            raise ValueError(
                f"{name}: the tensors must be those of module={self.module!r} and "
                f"criterion={self.criterion!r}, got {len(tensors)} tensors that do not "
                "fit."
            )
        with torch_seed(0):
            net = self._make_net()
        import_tensors(net, tensors)
        self.net_ = net

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.non_deterministic = False
        return tags


def _silent(text):
    """Swallow what skorch would print."""
