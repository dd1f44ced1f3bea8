"""Volumes, ranks and weights, batch by batch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.utils.data import Dataset

from briqa_sk.io import Volume, VolumeSequence


@dataclass(frozen=True, eq=False)
class Samples:
    """Volumes and what is known of each.

    Parameters
    ----------
    X : ndarray of shape (n_samples, i, j, k) or VolumeSequence
        Volumes.
    y : ndarray of shape (n_samples,) or (n_samples, n_artifacts)
        Grades, in the caller's labels.
    rank : ndarray of shape (n_samples,) or (n_samples, n_artifacts), dtype int64
        Rank of each grade, 0 is best, -1 is not rated.
    weight : ndarray of shape (n_samples,), dtype float64, or None, default=None
        Weights, mean 1; None weighs all the same.
    groups : ndarray of shape (n_samples,) or None, default=None
        Subjects.
    is_ordered : bool or list of bool, default=False
        Whether the ranks mean anything; of several artifacts, a list.
    plane : ndarray of shape (n_samples,), dtype int64, or None, default=None
        Number of each scan plane, -1 where it is not known; None without a plane head.
    """

    X: object
    y: np.ndarray
    rank: np.ndarray
    weight: np.ndarray = None
    groups: np.ndarray = None
    is_ordered: object = False
    plane: np.ndarray = None

    @classmethod
    def unlabelled(cls, X):
        """Return volumes that are only predicted."""
        zeros = np.zeros(len(X), np.int64)
        return cls(X, zeros, zeros)

    def take(self, indices):
        """Return some of the samples."""
        taken = {
            name: None if column is None else column[indices]
            for name, column in vars(self).items()
            if name != "is_ordered"
        }
        return replace(self, **taken)

    def labels(self):
        """Return everything but the volumes."""
        return self.y, self.rank, self.weight, self.groups, self.plane


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
    augment : callable or None, default=None
        ``augment(volume, random_state=rng)`` returns a Volume, or a Volume and the
        grade that it now has at least; of several artifacts, a list with a grade or
        None for each. If it has an attribute ``needs_magnitude``, it comes before the
        steps of a sequence that scale intensities; if it has a method
        ``possible_grades`` and there is one artifact, what that returns is checked
        before the first batch.
    orders : sequence of sequence, default=((),)
        Grades of each artifact from best to worst, to read what ``augment`` returns;
        empty if the labels have no order.
    seed : int, default=0
        Seeds ``augment``, together with the epoch and the index.
    caller : str, default="SeverityClassifier"
        Opens the error messages.
    """

    epoch = 0

    def __init__(
        self,
        samples,
        *,
        shape,
        batches,
        augment=None,
        orders=((),),
        seed=0,
        caller="SeverityClassifier",
    ):
        self.samples = samples
        self.shape = shape
        self.batches = batches
        self.augment = augment
        self.ranks = [
            {grade: rank for rank, grade in enumerate(order)} for order in orders
        ]
        self.seed = seed
        self.caller = caller
        if samples.rank.ndim == 1 and hasattr(augment, "possible_grades"):
            check_augmented(augment.possible_grades(), self.ranks[0], caller=caller)

    def __len__(self):
        return len(self.samples.X)

    def __getitems__(self, indices):
        """Return ``({"x": (batch, 1, i, j, k)}, rank)``.

        With ``"weight"`` and ``"plane"``, each (batch,), if they are known.
        """
        rank = self.samples.rank[indices]
        if self.augment is None and not isinstance(self.samples.X, VolumeSequence):
            data = self.samples.X[indices]
        else:
            items = [self._item(index) for index in indices]
            data = np.stack([volume.data for volume, _ in items])
            rank = np.array([rank for _, rank in items])
        x = torch.from_numpy(data)[:, None]  # (batch, 1, i, j, k)
        batch = {"x": x}
        for name in ("weight", "plane"):
            column = getattr(self.samples, name)
            if column is not None:
                batch[name] = torch.from_numpy(column[indices])
        return batch, torch.from_numpy(rank)

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
        if np.ndim(rank):
            return volume, np.array(
                [
                    old if grade is None else self._raised(old, grade, rank_of)
                    for old, grade, rank_of in zip(
                        rank, grades, self.ranks, strict=True
                    )
                ]
            )
        return volume, self._raised(rank, grades, self.ranks[0])

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
