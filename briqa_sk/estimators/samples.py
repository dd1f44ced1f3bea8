"""What a network learns from: volumes, ranks and weights, batch by batch."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold
from torch.utils.data import Dataset

from briqa_sk.exceptions import BriqaWarning
from briqa_sk.io import Volume, VolumeSequence


@dataclass(frozen=True, eq=False)
class Samples:
    """Volumes and what is known of each.

    Parameters
    ----------
    X : ndarray of shape (n_samples, i, j, k) or VolumeSequence
        Volumes.
    rank : ndarray of shape (n_samples, n_heads), dtype int64
        For each head of a network, the rank of the label, 0 is best, -1 is not rated.
    weight : ndarray of shape (n_samples,), dtype float64, or None, default=None
        Weights, mean 1; None weighs all the same.
    groups : ndarray of shape (n_samples,) or None, default=None
        Subjects.
    """

    X: object
    rank: np.ndarray
    weight: np.ndarray = None
    groups: np.ndarray = None

    @classmethod
    def unlabelled(cls, X):
        """Return volumes that are only predicted."""
        return cls(X, np.zeros((len(X), 1), np.int64))

    def __len__(self):
        return len(self.X)

    def take(self, indices):
        """Return some of the samples."""
        taken = {
            name: None if column is None else column[indices]
            for name, column in vars(self).items()
        }
        return replace(self, **taken)


class VolumeDataset(Dataset):
    """What a data loader reads: one call, one batch.

    Parameters
    ----------
    samples : Samples
        Volumes, ranks and weights.
    shape : tuple of int
        Shape that every volume must have.
    batches : torch.utils.data.Sampler
        Yields the indices of each batch.
    n_graded : int, default=1
        How many heads, from the first, learn grades of artifacts; the rest learn
        something else, such as the plane.
    augment : callable or None, default=None
        ``augment(volume, random_state=rng)`` returns a Volume, or a Volume and the
        grade that it now has at least; of several artifacts, a list with a grade or
        None for each. If it has an attribute ``needs_magnitude``, it comes before the
        steps of a sequence that scale intensities.
    orders : sequence of sequence, default=((),)
        Grades of each artifact from best to worst, to read what ``augment`` returns;
        empty if the labels have no order.
    seed : int, default=0
        Seeds ``augment``, together with the epoch and the index.
    caller : str, default="SeverityClassifier"
        Opens the error messages.
    """

    epoch = 0
    #: Length of the whole fit in batches; None if the last epoch is whole.
    n_steps = None

    def __init__(
        self,
        samples,
        *,
        shape,
        batches,
        n_graded=1,
        augment=None,
        orders=((),),
        seed=0,
        caller="SeverityClassifier",
    ):
        self.samples = samples
        self.shape = shape
        self.batches = batches
        self.n_graded = n_graded
        self.augment = augment
        self.ranks = [
            {grade: rank for rank, grade in enumerate(order)} for order in orders
        ]
        self.seed = seed
        self.caller = caller

    def __len__(self):
        return len(self.samples)

    @property
    def n_batches_left(self):
        """How many batches the fit has from the current epoch on; None for all."""
        if self.n_steps is None:
            return None
        return self.n_steps - self.epoch * len(self.batches)

    def __getitems__(self, indices):
        """Return ``({"x": (batch, 1, i, j, k), "rank": (batch, n_heads)}, y)``.

        With ``"weight"``, (batch,), if there are weights, and ``"dealt"``, the ranks
        before augmentation, if there is one. What skorch takes for y are
        the ranks of the artifacts: (batch,) for one, (batch, n_artifacts) for several.
        """
        rank = self.samples.rank[indices]
        if self.augment is None and not isinstance(self.samples.X, VolumeSequence):
            data = self.samples.X[indices]
        else:
            items = [self._item(index) for index in indices]
            data = np.stack([volume.data for volume, _ in items])
            rank = np.stack([rank for _, rank in items])
        batch = {
            "x": torch.from_numpy(data)[:, None],  # (batch, 1, i, j, k)
            "rank": torch.from_numpy(rank),
        }
        if self.augment is not None:
            batch["dealt"] = torch.from_numpy(self.samples.rank[indices])
        if self.samples.weight is not None:
            batch["weight"] = torch.from_numpy(self.samples.weight[indices])
        graded = batch["rank"][:, : self.n_graded]
        return batch, graded[:, 0] if self.n_graded == 1 else graded

    def _item(self, index):
        rank = self.samples.rank[index]
        if self.augment is None:
            volume = self.samples.X[index]
        else:
            volume, late_steps = self._before_augment(index)
            volume, rank = self._augmented(volume, rank, index)
            for step in late_steps:
                volume = step(volume)
        self._check(volume, index)
        return volume, rank

    def _before_augment(self, index):
        """Return the volume to augment, and the steps that are left for later."""
        X = self.samples.X
        if not isinstance(X, VolumeSequence):
            return Volume(X[index]), ()
        if not getattr(self.augment, "needs_magnitude", False):
            return X[index], ()
        return X.split(index, lambda step: getattr(step, "scales_intensity", False))

    def _augmented(self, volume, rank, index):
        rng = np.random.default_rng([self.seed, self.epoch, index])
        result = self.augment(volume, random_state=rng)
        if isinstance(result, Volume):
            return result, rank
        if not (isinstance(result, tuple) and len(result) == 2):
            raise TypeError(
                f"{self.caller}: augment must return a Volume, or a Volume and a "
                f"grade, got {type(result).__name__}."
            )
        volume, grades = result
        grades = grades if isinstance(grades, list) else [grades]
        raised = rank.copy()
        for head, (grade, rank_of) in enumerate(zip(grades, self.ranks, strict=True)):
            if grade is not None:
                raised[head] = self._raised(rank[head], grade, rank_of)
        return volume, raised

    def _raised(self, rank, grade, rank_of):
        check_augmented([grade], rank_of, caller=self.caller)
        # The best grade says that nothing was added, not that nothing was there.
        return max(rank, rank_of[grade]) if rank_of[grade] else rank

    def _check(self, volume, index):
        name = volume.path or f"index {index}"
        if volume.shape != self.shape:
            raise ValueError(
                f"{self.caller}: every volume must have the shape seen in fit, "
                f"{self.shape}, got {volume.shape} for {name}. Put CropOrPad in the "
                "pipeline."
            )
        if not np.isfinite(volume.data.sum(dtype=np.float64)):
            raise ValueError(
                f"{self.caller}: voxels must be finite, got NaN or inf for {name}. "
                "Look at the steps before this one."
            )


def check_augmented(grades, known, *, caller):
    """Raise an error unless an augmentation may return these grades of an artifact.

    Parameters
    ----------
    grades : sequence
        What it returns, or may return.
    known : collection
        Grades that have an order; empty if the labels have none.
    caller : str
        Opens the error messages.

    Raises
    ------
    ValueError
        If a grade is unknown, or grades have no order.
    TypeError
        If there is a dict, as for several artifacts.
    """
    if isinstance(grades, Mapping) or any(isinstance(g, Mapping) for g in grades):
        raise TypeError(
            f"{caller}: augment must return the grade of the one artifact that is "
            "learned, got a dict. Give ArtifactSimulator one name as target, or use "
            "MultiArtifactClassifier."
        )
    if len(grades) and not known:
        raise ValueError(
            f"{caller}: grades must give the order of text labels from best to worst, "
            "because augment returns a grade, got grades=None."
        )
    unknown = [grade for grade in grades if grade not in known]
    if unknown:
        raise ValueError(
            f"{caller}: augment must return a grade seen in fit, one of "
            f"{list(known)}, got {unknown[0]!r}."
        )


def split_holdout(samples, n_graded, fraction, seed, *, caller):
    """Split samples into a training and a validation part that share no subject.

    Parameters
    ----------
    samples : Samples
        Stratified by the grade of the worst artifact; without groups, split by sample,
        with a warning.
    n_graded : int
        How many of their heads, from the first, are artifacts.
    fraction : float
        Size of the validation part, in (0, 0.5].
    seed : int
        Seeds the split.
    caller : str
        Opens the messages.

    Returns
    -------
    train, valid : Samples
        The two parts.

    Raises
    ------
    ValueError
        If ``fraction`` is out of range, there is one subject only, or a grade would be
        left out of training.
    """
    if not 0 < fraction <= 0.5:
        raise ValueError(
            f"{caller}: validation_fraction must be in (0, 0.5], got {fraction}."
        )
    rank, groups = samples.rank[:, :n_graded], samples.groups
    if groups is None:
        warnings.warn(
            f"{caller}: early stopping without groups: scans of one subject may be in "
            "the training and in the validation part. Pass groups to fit.",
            BriqaWarning,
            stacklevel=6,
        )
        groups = np.arange(len(rank))
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise ValueError(
            f"{caller}: early stopping needs at least 2 groups, one to hold out, got "
            f"{n_groups}. Set early_stopping=False."
        )
    # No more parts than the most frequent grade has scans, or nothing is stratified.
    worst = rank.max(axis=1)
    n_parts = max(2, min(round(1 / fraction), n_groups, np.bincount(worst).max()))
    splitter = StratifiedGroupKFold(n_parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # of rare grades, which are looked at below
        warnings.simplefilter("ignore", UserWarning)
        parts = list(splitter.split(worst, worst, groups))
    for train, valid in parts:
        if all(np.isin(column, column[train]).all() for column in rank.T):
            return samples.take(train), samples.take(valid)
    raise ValueError(
        f"{caller}: early stopping must leave every grade in the training part, but "
        "each way to hold out subjects takes all scans of a grade. Lower "
        "validation_fraction or set early_stopping=False."
    )
