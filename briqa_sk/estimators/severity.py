"""Grade one artifact."""

from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.base import ClassifierMixin

from briqa_sk._validation import check_positive
from briqa_sk.estimators._base import NetworkEstimator
from briqa_sk.estimators._briqa import BriqaRecipe
from briqa_sk.estimators._labels import GradedLabels
from briqa_sk.estimators._outputs import GradeOutputs
from briqa_sk.estimators._plane import PlaneHead


class SeverityClassifier(
    ClassifierMixin,
    BriqaRecipe,
    GradedLabels,
    GradeOutputs,
    PlaneHead,
    NetworkEstimator,
):
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
    criterion : str or configuration, default="proportional"
        The loss: a name of :data:`briqa_sk.losses.CRITERIA` or a configuration such as
        ``ReweightedCrossEntropy(momentum=0.9)``.
    batches : str or configuration, default="balanced"
        Who shares a batch: a name of :data:`briqa_sk.sampling.BATCHES` or a
        configuration such as ``RotatingBatches(ratio="balanced")``.
    grades : sequence or None, default=None
        The labels from best to worst. Numbers and ordered pandas categoricals rank
        themselves; text labels need it for every ordinal loss and for rotating
        batches.
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
        How the learning rate falls to 0 over ``max_epochs``; None keeps it, or leaves
        it to an ``LRScheduler`` among the callbacks.
    max_epochs : int, default=20
        Passes over the training volumes.
    batch_size : int, default=8
        Volumes per gradient step.
    augment : callable or None, default=None
        ``augment(volume, random_state=rng)`` is called on each training volume and
        returns a Volume, or ``(Volume, grade)``, which can raise the grade and never
        lowers it. Its generator depends on the seed, the epoch and the item only. If
        it has a method ``possible_grades()``, ``fit`` checks these before it trains.
    early_stopping : bool, default=False
        Hold out a part of the training data, stop when its loss stops falling, and
        keep the weights of the best epoch.
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
    grades_ : ndarray of shape (n_classes,)
        The same from best to worst.
    class_counts_ : ndarray of shape (n_classes,)
        Training scans of each grade, in the order of ``grades_``.
    volume_shape_ : tuple of int
        Shape (i, j, k) of the volumes seen in ``fit``, in voxels.
    net_ : skorch.NeuralNetClassifier
        The trained net, over ranks.
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

    def __init__(
        self,
        module="compact",
        criterion="proportional",
        batches="balanced",
        *,
        grades=None,
        plane_head=False,
        plane_weight=1.0,
        optimizer="adam",
        lr=3e-3,
        schedule="cosine",
        max_epochs=20,
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
        self.plane_head = plane_head
        self.plane_weight = plane_weight
        self.optimizer = optimizer
        self.lr = lr
        self.schedule = schedule
        self.max_epochs = max_epochs
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
        self._check_params()
        with self._all_or_nothing():
            X = self._check_X(X, reset=not self._continues())
            labels, grades = self._check_y(X, y)
            if self._continues() and not np.array_equal(grades, self.grades_):
                raise ValueError(
                    f"{self._caller}: warm_start needs the classes of the "
                    f"previous fit, {self.grades_.tolist()}, got {grades.tolist()}."
                )
            samples = self._check_samples(X, labels, grades, sample_weight, groups)
            extra = {
                "is_ordered": self._is_ordered(y),
                "plane": self._check_plane(X, plane),
            }
            self._fit_net(replace(samples, **extra))
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
        self._check_params()
        with self._all_or_nothing():
            first = not hasattr(self, "net_")
            X = self._check_X(X, reset=first)
            grades = self._check_classes(classes, first)
            labels = self._check_labels_among(grades, X, y)
            samples = self._check_samples(
                X, labels, grades, sample_weight, groups=None, keep_counts=not first
            )
            is_ordered = self._is_ordered(grades if classes is None else classes)
            extra = {"is_ordered": is_ordered, "plane": self._check_plane(X, plane)}
            self._partial_fit_net(replace(samples, **extra))
        return self

    def _criterion_maker(self):
        maker = super()._criterion_maker()
        return self._with_plane_head([maker], [1.0]) if self.plane_head else maker

    def _check_params(self):
        name = self._caller
        check_positive(self.plane_weight, "plane_weight", caller=name)
        check_positive(self.lr, "lr", caller=name)
        for parameter in ("max_epochs", "batch_size", "patience"):
            value = getattr(self, parameter)
            check_positive(value, parameter, caller=name, kind=Integral)
        if self.schedule not in ("cosine", None):
            raise ValueError(
                f"{name}: schedule must be 'cosine' or None, got {self.schedule!r}."
            )
        if not (self.augment is None or callable(self.augment)):
            raise TypeError(
                f"{name}: augment must be callable or None, got {self.augment!r}."
            )
