"""Balanced batches through which the majority class rotates."""

from numbers import Integral, Real

import numpy as np

from briqa_sk._validation import check_grades, check_positive
from briqa_sk.sampling._base import BatchPlan, SeededBatchSampler
from briqa_sk.sampling.slots import count_slots, resolve_ratio, shares_of


class RotatingBatches(BatchPlan):
    """Deal rotating batches; see :class:`RotatingBatchSampler`.

    Parameters
    ----------
    ratio : dict, "balanced" or None, default=None
        Slots per grade. Grades that the training labels lack leave theirs empty; such
        numbers rank by size, such text where the dict has it, from best to worst.
    n_batches : int or None, default=None
        Batches per epoch; None follows the second grade.

    Examples
    --------
    >>> from briqa_sk.sampling import RotatingBatches
    >>> plan = RotatingBatches(ratio={"good": 3, "bad": 1})
    >>> y = ["good"] * 9 + ["bad"] * 2
    >>> len(plan(y, 4, grades=["good", "bad"], random_state=0))
    2
    """

    is_ordinal = True

    def __init__(self, ratio=None, n_batches=None):
        self.ratio = ratio
        self.n_batches = n_batches

    def __call__(self, y, batch_size, grades, random_state):
        """Build the sampler; see :class:`BatchPlan`."""
        return RotatingBatchSampler(
            y,
            batch_size,
            self.ratio,
            grades=_with_grades_of(self.ratio, np.asarray(grades).tolist()),
            n_batches=self.n_batches,
            random_state=random_state,
        )

    def prior(self, class_counts, grades):
        """Return the slots of each grade in a batch; see :class:`BatchPlan`."""
        grades = np.asarray(grades)
        present = grades[np.asarray(class_counts) > 0].tolist()
        known = _with_grades_of(self.ratio, grades.tolist())
        slots = resolve_ratio(self.ratio, known, present, caller="RotatingBatches")
        return shares_of({grade: slots[grade] for grade in present}, grades)


class RotatingBatchSampler(SeededBatchSampler):
    r"""Give every batch the same mix of grades, and every majority scan its turn.

    The rotating batching of BRIQA [1]_. The best grade (class 0) is shuffled once, by
    the seed. With :math:`r_0` slots per batch, :math:`B` batches per epoch and
    :math:`N_0` scans, slot :math:`s` of batch :math:`b` in epoch :math:`e` holds its
    scan number

    .. math:: (e\, r_0 B + r_0 b + s) \bmod N_0,

    so all of them are seen every :math:`\lceil N_0 / (r_0 B) \rceil` epochs. The other
    classes are drawn anew each epoch: every scan as often as it fits into the class's
    slots, and what is left over at random, without repeating one. A class with more
    scans than slots rotates as class 0 does.

    The paper gives the ratio 2 : 1 : 1 and a buffer "cyclically shifted each epoch by a
    modular offset"; the formula, one epoch per pass through class 1, and everything
    beyond three classes are our reading.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Grade of each scan. Only ``y`` is read: no volume is loaded.
    batch_size : int, default=4
        Slots per batch; a multiple of the sum of ``ratio``, which multiplies it.
    ratio : dict, "balanced" or None, default=None
        Slots per grade, as ``{grade: slots}`` or one each. None is the paper's shape:
        the best grade gets as many slots as all others together (2 : 1 : 1 for three
        grades). The slots of a grade that ``y`` lacks stay empty, and batches are
        smaller by them.
    grades : sequence or None, default=None
        Every grade that may occur, from best to worst. Numbers rank themselves; text
        needs ``grades``.
    n_batches : int or None, default=None
        Batches per epoch. None: as many as deal the second grade once (if ``y`` lacks
        it, the next one that it has; if it has only the best, that one).
    random_state : int, Generator, RandomState or None, default=None
        Seed of every shuffle.

    References
    ----------
    .. [1] "BRIQA: Balanced Reweighting in Image Quality Assessment of Pediatric Brain
       MRI", arXiv:2510.26661, 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk.sampling import RotatingBatchSampler
    >>> y = np.repeat([0, 1, 2], [8, 3, 2])
    >>> sampler = RotatingBatchSampler(y, batch_size=4, random_state=0)
    >>> [y[batch].tolist() for batch in sampler]
    [[0, 0, 1, 2], [0, 0, 1, 2], [0, 0, 1, 2]]
    """

    def __init__(
        self,
        y,
        batch_size=4,
        ratio=None,
        *,
        grades=None,
        n_batches=None,
        random_state=None,
    ):
        super().__init__(y, batch_size, random_state)
        present = check_grades(
            y, grades, ordinal_for="the rotation", caller=self._name
        ).tolist()
        grades = _known_grades(y, grades, present, ratio)
        slots = count_slots(ratio, grades, present, batch_size, self._name)
        self.slots = {grade: slots[grade] for grade in present}
        self.best = next(iter(slots))
        self._members = {grade: np.flatnonzero(self.y == grade) for grade in present}
        self.n_batches = self._count_batches() if n_batches is None else n_batches
        check_positive(self.n_batches, "n_batches", caller=self._name, kind=Integral)
        self._shuffle_decks()

    def load_state_dict(self, state):
        """Let the next pass continue where another sampler of the same ``y`` stood.

        Parameters
        ----------
        state : dict
            From :meth:`state_dict`.
        """
        super().load_state_dict(state)
        self._shuffle_decks()

    def _shuffle_decks(self):
        rng = np.random.default_rng([self.seed, 0, 1])  # a stream that no epoch uses
        self._decks = {
            grade: rng.permutation(members) for grade, members in self._members.items()
        }

    def _count_batches(self):
        others = [grade for grade in self.slots if grade != self.best]
        leader = others[0] if others else self.best
        return -(-len(self._members[leader]) // self.slots[leader])  # ceil

    @property
    def _dealt_per_batch(self):
        return sum(self.slots.values())

    @property
    def _n_dealt(self):
        return self.n_batches * self._dealt_per_batch

    def _deal(self, epoch):
        rng = self._stream(epoch)
        columns = [
            self._fill(grade, epoch, rng).reshape(self.n_batches, n_slots)
            for grade, n_slots in self.slots.items()
        ]
        return np.hstack(columns).ravel()  # (n_batches * dealt_per_batch,)

    def _fill(self, grade, epoch, rng):
        """Return the scans of one grade for all its slots of an epoch."""
        deck, n_slots = self._decks[grade], self.n_batches * self.slots[grade]
        if grade == self.best or len(deck) > n_slots:
            turn = epoch * n_slots % len(deck)
            return deck[(turn + np.arange(n_slots)) % len(deck)]
        n_rounds, n_left = divmod(n_slots, len(deck))
        left = rng.choice(deck, n_left, replace=False)
        return rng.permutation(np.concatenate([np.tile(deck, n_rounds), left]))


def _known_grades(y, grades, present, ratio):
    """Return every grade that may occur, from best to worst."""
    if grades is not None:
        return list(grades)
    dtype = getattr(y, "dtype", None)
    if getattr(dtype, "ordered", False):
        return list(dtype.categories)
    return _with_grades_of(ratio, present)


def _with_grades_of(ratio, grades):
    """Return the grades and those that only the ratio names, from best to worst."""
    if not isinstance(ratio, dict) or set(ratio) <= set(grades):
        return grades
    ranked = [*ratio, *(grade for grade in grades if grade not in ratio)]
    rising = sorted(grades)
    if all(isinstance(g, Real) for g in ranked) and grades in (rising, rising[::-1]):
        ranked.sort(reverse=grades != rising)
    if [grade for grade in ranked if grade in grades] != grades:
        raise ValueError(
            "RotatingBatches: ratio must list its grades from best to worst, as in "
            f"{grades}, got {ratio}."
        )
    return ranked
