"""Grade one artifact."""

import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import f1_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
)

from briqa_sk._validation import check_groups, check_positive
from briqa_sk.calibration.prior import resolve_prior, shift_prior
from briqa_sk.estimators.grades import GradeEncoder, as_label_column
from briqa_sk.estimators.planes import PLANES, UNUSED_PLANE, as_planes, plane_numbers
from briqa_sk.estimators.samples import Samples, check_augmented
from briqa_sk.estimators.trainer import (
    Head,
    Training,
    export_net,
    fit_network,
    import_net,
    make_plain_set,
    partial_fit_network,
)
from briqa_sk.exceptions import BriqaWarning
from briqa_sk.io import VolumeSequence, as_volumes
from briqa_sk.losses import resolve_criterion
from briqa_sk.sampling import resolve_batches

#: Which network graded which artifact best in the paper.
BACKBONES = {
    "noise": "densenet169",
    "zipper": "densenet169",
    "positioning": "densenet169",
    "banding": "resnet18",
    "motion": "resnet18",
    "contrast": "resnet18",
    "distortion": "mednext_s",
}


class SeverityClassifier(ClassifierMixin, BaseEstimator):
    """Grade the severity of one artifact from whole volumes.

    A 3-D network behind scikit-learn's interface. Severe cases are rare, so the loss
    and the batches are parameters of their own; scans are many, so X may be files that
    are read batch by batch.

    Parameters
    ----------
    module : str, NetworkConfig or callable, default="compact"
        The network: a name of :func:`briqa_sk.networks.network_names`, a configuration
        such as ``DenseNet(growth_rate=16)``, or any
        ``(in_channels, n_outputs) -> torch.nn.Module``.
    criterion : str or configuration, default="logit_adjusted"
        The loss: a name of :data:`briqa_sk.losses.CRITERIA` or a configuration such as
        ``LogitAdjusted(tau=0.5)``. It is told what the batches show of each grade, so
        that a loss and batches that both balance don't do so twice.
    batches : str or configuration, default="balanced"
        Who shares a batch: a name of :data:`briqa_sk.sampling.BATCHES` or a
        configuration such as ``RotatingBatches(ratio="balanced")``.
    grades : sequence or None, default=None
        The labels from best to worst. Numbers and ordered pandas categoricals rank
        themselves; text labels need it for every ordinal loss and for rotating
        batches.
    prior : {"balanced", "training"}, array-like, dict or None, default=None
        For which prevalence ``predict_proba`` speaks, and ``predict`` decides:
        "balanced" is each grade as often as any other, "training" the share of each
        grade among the training scans, sample weights counted; an array has a share for
        each of ``classes_``, a dict for each label, which add up to 1. None leaves the
        one that the training gave, ``trained_prior_``: with the default loss and
        batches each grade as often, unless ``augment`` raises grades. It may be changed
        after ``fit``. The losses that
        follow gradients and the focal loss are no proper scores and belong to no
        prevalence; with them, it must be None.
    plane_head : bool, default=False
        Learn to tell the scan plane from the same features, by a second linear layer,
        which teaches the network the anatomy that an artifact lies across. The plane of
        each scan is passed to ``fit`` or found out.
    plane_weight : float, default=1.0
        The loss is that of the severity plus ``plane_weight`` times the cross-entropy
        of the plane.
    optimizer : {"adam", "adamw", "sgd"} or callable, default="adam"
        A name, a torch optimizer class, or ``(parameters, lr) -> Optimizer``.
    lr : float, default=3e-3
        Learning rate at the start.
    schedule : {"cosine", None}, default="cosine"
        How the learning rate falls to 0 over the fit; None keeps it, or leaves it to an
        ``LRScheduler`` among the callbacks.
    max_epochs : int or None, default=None
        How many times the batches are dealt. How many steps these are depends on the
        scans of each grade, see :mod:`briqa_sk.sampling`.
    max_steps : int or None, default=None
        Gradient steps. If both are given, the fit ends with what is reached first; if
        neither is, it has 400 steps. 0 builds and checks everything, and trains
        nothing.
    batch_size : int, default=8
        Volumes per gradient step.
    augment : callable or None, default=None
        ``augment(volume, random_state=rng)`` is called on each training volume and
        returns a Volume, or ``(Volume, grade)``, which can raise the grade and never
        lowers it. Its generator depends on the seed, the epoch and the item only. If
        it has a method ``possible_grades()``, ``fit`` checks these before it trains.
    early_stopping : bool, default=False
        Hold out a part of the training data, stop when its loss stops falling, and
        keep the weights of the best epoch. ``history_`` has its ``valid_loss``,
        ``valid_f1_macro`` and ``valid_kappa``.
    validation_fraction : float, default=0.2
        Size of that part, in (0, 0.5]. It shares no subject with the rest when
        ``groups`` are known.
    patience : int, default=10
        Epochs without improvement before stopping.
    warm_start : bool, default=False
        Start from the weights of the previous ``fit``, which must have seen the same
        classes and volume shape.
    checkpoint_dir : str, os.PathLike or None, default=None
        Where an interrupted ``fit`` leaves its state after each epoch. The same fit,
        called again, goes on from there; another fold, grid point or data set does
        not, and a fit that ends removes its file. It needs an int or None as
        ``random_state``; the state of ``callbacks`` is not part of it.
    callbacks : list of skorch.callbacks.Callback or None, default=None
        More callbacks. ``fit`` works on copies, which ``net_.callbacks_`` holds.
    num_workers : int, default=0
        Processes that read and preprocess volumes ahead of the network.
    device : str, default="auto"
        Where the network runs; ``"auto"`` takes a GPU if there is one, and computes in
        mixed precision there.
    verbose : int, default=0
        1 shows a progress bar over all batches.
    random_state : int, RandomState, Generator or None, default=None
        Seeds weights, batches, augmentation and the validation part. An int makes
        ``fit`` repeatable. Global random streams are never touched.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Grades seen in ``fit``, sorted, as everywhere in scikit-learn.
    grades_ : ndarray of shape (n_classes,) or None
        The same from best to worst; None for text without an order.
    class_counts_ : ndarray of shape (n_classes,)
        Training scans of each grade, in the order of ``classes_``.
    class_prior_ : ndarray of shape (n_classes,)
        Share of each grade among them, sample weights counted.
    trained_prior_ : ndarray of shape (n_classes,) or None
        The prevalence that the network has learned to speak for, in the order of
        ``classes_``; None if it is not known.
    volume_shape_ : tuple of int
        Shape (i, j, k) of the volumes seen in ``fit``, in voxels.
    net_ : skorch.NeuralNetClassifier
        The trained net, over ranks; it knows nothing of ``prior``.
    history_ : skorch.history.History
        What happened in each epoch.
    planes_ : ndarray of shape (3,)
        Names of the scan planes: "axi", "cor", "sag". Only with ``plane_head``.

    See Also
    --------
    briqa_sk.sampling.RotatingBatches : Batches that balance the grades.
    briqa_sk.losses.ReweightedCrossEntropy : The loss of BRIQA.

    References
    ----------
    BRIQA: Balanced Reweighting in Image Quality Assessment of Pediatric Brain MRI,
    arXiv 2510.26661.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk import SeverityClassifier
    >>> X = np.random.default_rng(0).normal(size=(6, 8, 8, 8))
    >>> y = ["good", "good", "moderate", "moderate", "bad", "bad"]
    >>> clf = SeverityClassifier(
    ...     criterion="corn", grades=["good", "moderate", "bad"], max_epochs=1
    ... ).fit(X, y)
    >>> clf.predict_proba(X).shape
    (6, 3)
    """

    #: Parameters that prediction does not need; a model file may leave them out.
    _training_only = ("augment", "callbacks", "optimizer", "random_state")

    def __init__(
        self,
        module="compact",
        criterion="logit_adjusted",
        batches="balanced",
        *,
        grades=None,
        prior=None,
        plane_head=False,
        plane_weight=1.0,
        optimizer="adam",
        lr=3e-3,
        schedule="cosine",
        max_epochs=None,
        max_steps=None,
        batch_size=8,
        augment=None,
        early_stopping=False,
        validation_fraction=0.2,
        patience=10,
        warm_start=False,
        checkpoint_dir=None,
        callbacks=None,
        num_workers=0,
        device="auto",
        verbose=0,
        random_state=None,
    ):
        self.module = module
        self.criterion = criterion
        self.batches = batches
        self.grades = grades
        self.prior = prior
        self.plane_head = plane_head
        self.plane_weight = plane_weight
        self.optimizer = optimizer
        self.lr = lr
        self.schedule = schedule
        self.max_epochs = max_epochs
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.augment = augment
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.warm_start = warm_start
        self.checkpoint_dir = checkpoint_dir
        self.callbacks = callbacks
        self.num_workers = num_workers
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    @classmethod
    def briqa(cls, artifact, **params):
        """Return a classifier with the published recipe of BRIQA [1]_, not fitted.

        Reweighting by gradients, rotating batches of 4, a plane head of weight 1, Adam
        at 1e-5 with a cosine schedule, 150 epochs, and the backbone that was the best
        for the artifact: a DenseNet for noise, zipper and positioning, ResNet 18 for
        banding, motion and contrast, MedNeXt-S for distortion. Of its two DenseNets,
        169 and 264, the paper does not say which; 169 is our reading. Its volumes have
        128 voxels along each axis, mean 0 and standard deviation 1. The defaults of
        this class grade rare severities better; see the benchmarks.

        Parameters
        ----------
        artifact : str
            One of the seven of LISA 2025: noise, zipper, positioning, banding, motion,
            contrast, distortion, in any case.
        **params : dict
            Parameters of the class that shall differ.

        Returns
        -------
        classifier : SeverityClassifier
            Not fitted.

        Raises
        ------
        ValueError
            If there is no backbone for the artifact.

        References
        ----------
        .. [1] BRIQA: Balanced Reweighting in Image Quality Assessment of Pediatric
           Brain MRI, arXiv 2510.26661.

        Examples
        --------
        >>> from briqa_sk import SeverityClassifier
        >>> clf = SeverityClassifier.briqa("Motion", max_epochs=30)
        >>> clf.module, clf.criterion, clf.batches, clf.plane_head, clf.max_epochs
        ('resnet18', 'reweighted', 'rotating', True, 30)
        """
        module = BACKBONES.get(str(artifact).lower())
        if module is None:
            raise ValueError(
                f"{cls.__name__}.briqa: artifact must be one of "
                f"{', '.join(BACKBONES)}, got {artifact!r}."
            )
        recipe = {
            "module": module,
            "criterion": "reweighted",
            "batches": "rotating",
            "plane_head": True,
            "plane_weight": 1.0,
            "optimizer": "adam",
            "lr": 1e-5,
            "schedule": "cosine",
            "max_epochs": 150,
            "batch_size": 4,
        }
        return cls(**recipe | params)

    def fit(self, X, y, *, sample_weight=None, groups=None, plane=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Preprocessed volumes, all of one shape.
        y : array-like of shape (n_samples,)
            Severity grades: numbers, text, or a pandas categorical.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each scan counts in the loss, at least 0; only ratios matter.
        groups : array-like of shape (n_samples,) or None, default=None
            Subject of each scan, for early stopping. None reads the column ``group``
            of a VolumeSequence.
        plane : array-like of shape (n_samples,) or None, default=None
            Scan plane of each scan, for the plane head: axi, cor or sag, in any case.
            Where it is missing, the column ``plane`` of a VolumeSequence tells, else
            the name of the file (``..._axi.nii.gz``), else the axis with the largest
            voxel size in the file: superior means axi, anterior cor, left sag. Scans
            whose plane remains unknown teach the severity only, with a warning.

        Returns
        -------
        self : SeverityClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If the volumes differ in shape, hold NaN, are too small for the network, or
            if y has one class, a missing label, or text where an order is needed; if a
            subject is missing; with a plane head, if a plane is misspelt or none known.
        KeyboardInterrupt
            If training is interrupted; with ``checkpoint_dir`` the next ``fit`` goes
            on from the last complete epoch.
        """
        training = self._check_params()
        with kept_on_error(self):
            X = self._check_X(X, reset=not self._continues())
            labels = self._check_labels(X, y)
            encoder = self._fit_encoder(y)
            if len(encoder.classes_) < 2:
                raise ValueError(
                    f"{self._caller}: y must hold at least 2 classes, got 1 class: "
                    f"{encoder.classes_.tolist()[0]!r}. Nothing can be learned from "
                    "one grade."
                )
            if self._continues() and not np.array_equal(encoder.ranked_, self._ranked):
                raise ValueError(
                    f"{self._caller}: warm_start needs the classes of the previous "
                    f"fit, {self._ranked.tolist()}, got {encoder.ranked_.tolist()}."
                )
            weight = self._check_weight(X, sample_weight)
            groups = self._check_groups(X, groups)
            rank = self._add_plane(X, encoder.transform(labels)[:, None], plane)
            self.classes_, self.grades_ = encoder.classes_, encoder.grades_
            self.class_counts_, self.class_prior_ = count_classes(
                self.classes_, labels, weight
            )
            self._check_prior()
            self._check_possible_grades()
            self.net_ = fit_network(
                Samples(X, rank, weight, groups),
                self._heads(),
                training,
                shape=self.volume_shape_,
                initial=self.net_.module_ if self._continues() else None,
            )
        return self

    def partial_fit(self, X, y, classes=None, *, sample_weight=None, plane=None):
        """Train for one epoch, at a constant learning rate.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Preprocessed volumes.
        y : array-like of shape (n_samples,)
            Severity grades.
        classes : array-like of shape (n_classes,) or None, default=None
            Every grade that may ever occur; needed in the first call only.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each scan counts in the loss.
        plane : array-like of shape (n_samples,) or None, default=None
            As in :meth:`fit`.

        Returns
        -------
        self : SeverityClassifier
            The classifier, trained a little further.

        Raises
        ------
        ValueError
            If ``classes`` is missing in the first call, changes later, or lacks a
            label of y.
        """
        training = self._check_params()
        with kept_on_error(self):
            first = not hasattr(self, "net_")
            X = self._check_X(X, reset=first)
            encoder = self._check_classes(classes, first)
            labels = self._check_labels(X, y)
            unknown = np.setdiff1d(labels, encoder.classes_)
            if unknown.size:
                raise ValueError(
                    f"{self._caller}: y must hold the classes "
                    f"{encoder.classes_.tolist()} only, got also {unknown.tolist()}."
                )
            weight = self._check_weight(X, sample_weight)
            rank = self._add_plane(X, encoder.transform(labels)[:, None], plane)
            self.classes_, self.grades_ = encoder.classes_, encoder.grades_
            counts, share = count_classes(self.classes_, labels, weight)
            if not first:
                before = self.class_counts_.sum()
                share = before * self.class_prior_ + counts.sum() * share
                share /= before + counts.sum()
                counts += self.class_counts_
            self.class_counts_, self.class_prior_ = counts, share
            self._check_prior()
            self._check_possible_grades()
            self.net_ = partial_fit_network(
                None if first else self.net_,
                Samples(X, rank, weight),
                self._heads(),
                training,
                shape=self.volume_shape_,
            )
        return self

    def predict_proba(self, X):
        """Probability of each grade, at the prevalence that ``prior`` states.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Preprocessed volumes.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns follow ``classes_``; rows sum to 1.

        Raises
        ------
        ValueError
            If ``prior`` is none of the classes, or the network answers with NaN.
        """
        return np.exp(self._log_proba(X)[0])

    def decision_function(self, X):
        """Confidence in each grade, on a logarithmic scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Preprocessed volumes.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            Log-probabilities, columns as in ``classes_``. With two classes, the
            log-odds of ``classes_[1]``.
        """
        log_proba = self._log_proba(X)[0]
        if len(self.classes_) == 2:
            return log_proba[:, 1] - log_proba[:, 0]
        return log_proba

    def predict(self, X):
        """Most probable grade, at the prevalence that ``prior`` states.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Preprocessed volumes.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Grades, in the caller's own labels.
        """
        best = self._log_proba(X)[0].argmax(axis=1)
        return self.classes_[best]

    @available_if(lambda self: self.plane_head)
    def predict_plane(self, X):
        """Most probable scan plane; needs ``plane_head=True``.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Preprocessed volumes.

        Returns
        -------
        plane : ndarray of shape (n_samples,)
            "axi", "cor" or "sag", seen in the voxels only.
        """
        check_is_fitted(self, "planes_")
        return self.planes_[self._log_proba_by_rank(X)[-1].argmax(axis=1)]

    def score(self, X, y, sample_weight=None):
        """Macro F1: the mean over the grades of the F1 of each.

        Accuracy, which scikit-learn's classifiers return, praises a model that never
        finds a rare grade.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Preprocessed volumes.
        y : array-like of shape (n_samples,)
            True grades.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each scan.

        Returns
        -------
        score : float
            In [0, 1].
        """
        predicted = self.predict(X)
        return float(
            f1_score(
                as_label_column(y, caller=self._caller),
                predicted,
                average="macro",
                sample_weight=sample_weight,
            )
        )

    @property
    def history_(self):
        """What happened in each epoch: times, losses and scores."""
        check_is_fitted(self)
        return self.net_.history_

    @property
    def trained_prior_(self):
        """The prevalence that the network has learned to speak for."""
        check_is_fitted(self)
        return self._trained_priors()[0]

    def set_params(self, **params):
        """Set parameters, also of the parts: ``module__n_filters=8``.

        Parameters
        ----------
        **params : dict
            Parameters.

        Returns
        -------
        self : SeverityClassifier
            The classifier.

        Raises
        ------
        ValueError
            If there is no such parameter, or a part is given by name and has none.
        """
        for name in params:
            part, _, nested = name.partition("__")
            value = params.get(part, getattr(self, part, None))
            if nested and isinstance(value, str):
                raise ValueError(
                    f"{self._caller}: {name} must belong to a configuration object, "
                    f"got {part}={value!r}, a name, which has no parameters. Give the "
                    f"object in its place, such as module=CompactNet()."
                )
        return super().set_params(**params)

    @property
    def _caller(self):
        """What opens messages."""
        return type(self).__name__

    def _check_params(self):
        """Return how to train."""
        check_positive(self.plane_weight, "plane_weight", caller=self._caller)
        return Training.of(self, caller=self._caller)

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

    def _check_labels(self, X, y):
        labels = as_label_column(y, caller=self._caller)
        check_consistent_length(X, labels)
        return labels

    def _fit_encoder(self, y):
        """Return an encoder of labels; refuse those without an order that need one."""
        criterion = resolve_criterion(self.criterion, caller=self._caller)
        plan = resolve_batches(self.batches, caller=self._caller)
        ordinal = [c for c in (criterion, plan) if getattr(c, "is_ordinal", False)]
        return GradeEncoder(self.grades).fit(
            y,
            ordinal_for=type(ordinal[0]).__name__ if ordinal else None,
            caller=self._caller,
        )

    def _check_classes(self, classes, first):
        """Return the encoder of a call of partial_fit."""
        name = self._caller
        if classes is None and first:
            raise ValueError(
                f"{name}: the first call of partial_fit must name all classes, got "
                "classes=None."
            )
        if classes is None:
            return self._encoders()[0]
        encoder = self._fit_encoder(classes)
        n_classes = len(encoder.classes_)
        if n_classes < 2 or n_classes < len(classes):
            raise ValueError(
                f"{name}: classes must name at least 2 grades, each once, got "
                f"{np.asarray(classes).tolist()}."
            )
        if not first and not np.array_equal(encoder.ranked_, self._ranked):
            raise ValueError(
                f"{name}: classes must stay those of the first call, "
                f"{self._ranked.tolist()}, got {encoder.ranked_.tolist()}."
            )
        return encoder

    def _check_weight(self, X, sample_weight):
        """Return weights with mean 1, or None."""
        if sample_weight is None:
            return None
        weights = np.asarray(sample_weight)
        if weights.ndim == 1:
            self._check_one_per_scan(weights, "sample_weight", X)
        weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        if not weight.any():  # newer scikit-learn says so itself
            raise ValueError(
                f"{self._caller}: sample_weight must hold a non-zero number, "
                "got 0 for every sample."
            )
        return weight / weight.mean()

    def _check_groups(self, X, groups):
        """Return the subject of each scan, or None if nobody said."""
        if groups is None and isinstance(X, VolumeSequence):
            groups = X.columns.get("group")
        if groups is None:
            return None
        groups = check_groups(groups, caller=self._caller)
        self._check_one_per_scan(groups, "groups", X)
        return groups

    def _check_one_per_scan(self, values, parameter, X):
        if len(values) != len(X):
            raise ValueError(
                f"{self._caller}: {parameter} must have one value for each of "
                f"the {len(X)} scans, got {len(values)}. Past a sampler that adds "
                "scans, give it as a column of a VolumeSequence."
            )

    def _add_plane(self, X, rank, plane):
        """Return ranks with those of a plane head, if there is one."""
        if plane is not None:
            plane = as_planes(plane)
            self._check_one_per_scan(plane, "plane", X)
        vars(self).pop("planes_", None)
        if self.plane_head:
            self.planes_ = np.array(PLANES)
            numbers = plane_numbers(X, plane, caller=self._caller)
            return np.column_stack([rank, numbers])
        if plane is not None:
            warnings.warn(f"{self._caller}: {UNUSED_PLANE}", BriqaWarning, stacklevel=3)
        return rank

    def _per_artifact(self):
        """Return classes, grades, class counts and class prior of each artifact."""
        return [(self.classes_, self.grades_, self.class_counts_, self.class_prior_)]

    def _encoders(self):
        return [GradeEncoder.of(*own[:2]) for own in self._per_artifact()]

    @property
    def _ranked(self):
        return self._encoders()[0].ranked_

    def _heads(self):
        encoders = self._encoders()
        heads = [
            Head(
                encoder.ranked_,
                self.criterion,
                self.batches,
                is_ordered=encoder.grades_ is not None,
                weight=1 / len(encoders),
            )
            for encoder in encoders
        ]
        if self.plane_head:
            planes = np.array(PLANES)
            heads.append(
                Head(planes, "cross_entropy", None, False, weight=self.plane_weight)
            )
        return heads

    def _check_possible_grades(self):
        if hasattr(self.augment, "possible_grades"):
            known = [] if self.grades_ is None else self.grades_.tolist()
            check_augmented(self.augment.possible_grades(), known, caller=self._caller)

    def _continues(self):
        return self.warm_start and hasattr(self, "net_")

    def _log_proba_by_rank(self, X):
        """Return the log-probabilities of each head, by rank."""
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        samples = Samples.unlabelled(X)
        return self.net_.log_proba_of_heads(
            make_plain_set(
                samples, self.volume_shape_, self.batch_size, 1, self._caller
            )
        )

    def _log_proba(self, X):
        """Return log-probabilities at the stated prevalence, for each artifact.

        Columns follow ``classes_``.
        """
        asked, answers = (
            zip(self._log_proba_by_rank(X), self._encoders(), strict=False),
            [],
        )
        for number, (by_rank, encoder) in enumerate(asked):
            log_proba = by_rank[:, encoder.transform(encoder.classes_)]
            wanted = self._resolve_priors()[number]
            if wanted is not None:
                trained = self._trained_priors()[number]
                if trained is None:
                    raise ValueError(self._unknown_prior())
                log_proba = shift_prior(log_proba, trained, wanted)
            answers.append(log_proba)
        return answers

    def _trained_priors(self):
        """Return what each head has learned to speak for, in the order of classes."""
        priors = []
        for number, encoder in enumerate(self._encoders()):
            prior = self.net_.prior_of(number)
            order = encoder.transform(encoder.classes_)
            priors.append(None if prior is None else prior[order])
        return priors

    def _resolve_priors(self):
        """Return the share of each class that ``prior`` states, or None."""
        return [
            resolve_prior(self.prior, classes, share, caller=self._caller)
            for classes, _, _, share in self._per_artifact()
        ]

    def _check_prior(self):
        """Refuse a prevalence before training that nobody could speak for after it."""
        if self._resolve_priors()[0] is None:
            return
        plan = resolve_batches(self.batches, caller=self._caller)
        criterion = resolve_criterion(self.criterion, caller=self._caller)
        for classes, grades, counts, _ in self._per_artifact():
            encoder = GradeEncoder.of(classes, grades)
            by_rank = counts[np.searchsorted(classes, encoder.ranked_)]
            stated = [
                getattr(plan, "prior", lambda *_: None)(by_rank, encoder.ranked_),
                getattr(criterion, "prior", lambda _: None)(by_rank),
            ]
            if any(prior is None for prior in stated):
                raise ValueError(self._unknown_prior())

    def _unknown_prior(self):
        return (
            f"{self._caller}: prior must be None where the prevalence that the network "
            f"speaks for is not known, as with criterion={self.criterion!r}, which is "
            "no proper score, or batches of one's own without a method prior. Set "
            "prior=None, or take criterion='logit_adjusted'."
        )

    def _export_network(self):
        """Return the tensors of the fitted net, by name."""
        return export_net(self.net_)

    def _import_network(self, tensors):
        """Build ``net_`` around the tensors of :meth:`_export_network`."""
        training = Training.of(self, caller=self._caller)
        self.net_ = import_net(
            tensors, self._heads(), training, shape=self.volume_shape_
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.non_deterministic = False
        return tags


@contextmanager
def kept_on_error(estimator):
    """Leave an estimator as it was if the block fails."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def count_classes(classes, labels, weight):
    """Return how many scans each class has, and its share of their weight."""
    number, n_classes = np.searchsorted(classes, labels), len(classes)
    counts = np.bincount(number, minlength=n_classes)
    weighted = np.bincount(number, weight, minlength=n_classes)
    return counts, weighted / weighted.sum()
