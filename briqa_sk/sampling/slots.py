"""How many places in a batch each grade gets."""

from numbers import Integral

import numpy as np

from briqa_sk._validation import check_positive


def count_slots(ratio, grades, present, batch_size, caller):
    """Return the slots of each grade in one batch.

    Parameters
    ----------
    ratio : dict, "balanced" or None
        ``{grade: slots}``; one each; or as many for the best grade as for all others.
    grades : list
        The grades that may occur, from best to worst.
    present : list
        The grades that do occur, from best to worst.
    batch_size : int
        A multiple of the sum of the ratio.
    caller : str
        Opens the error message.

    Returns
    -------
    slots : dict
        Grade -> slots, from best to worst; they add up to ``batch_size``.

    Raises
    ------
    ValueError
        If ``ratio`` is no ratio, misses a grade that occurs, names an unknown one, or
        does not divide the batch.

    Examples
    --------
    >>> count_slots(None, [0, 1, 2], [0, 1, 2], batch_size=8, caller="demo")
    {0: 4, 1: 2, 2: 2}
    """
    ratio = resolve_ratio(ratio, grades, present, caller=caller)
    total = sum(ratio.values())
    n_times, rest = divmod(batch_size, total)
    if rest:
        below = f"{n_times * total} or " if n_times else ""
        shape = " : ".join(str(ratio[grade]) for grade in grades if grade in ratio)
        raise ValueError(
            f"{caller}: batch_size must be a multiple of {total}, the sum of the ratio "
            f"{shape}, got {batch_size}. Use {below}{(n_times + 1) * total}."
        )
    return {grade: n_times * ratio[grade] for grade in grades if grade in ratio}


def resolve_ratio(ratio, grades, present, *, caller):
    """Return the ratio of :func:`count_slots` as a dict of grade to slots.

    Examples
    --------
    >>> resolve_ratio(None, ["good", "fair", "bad"], ["good"], caller="demo")
    {'good': 2, 'fair': 1, 'bad': 1}
    """
    if ratio is None:
        ratio = dict.fromkeys(grades, 1)
        ratio[grades[0]] = max(1, len(grades) - 1)
    elif isinstance(ratio, str) and ratio == "balanced":
        ratio = dict.fromkeys(grades, 1)
    _check_ratio(ratio, grades, present, caller)
    return ratio


def shares_of(slots, grades):
    """Return the share of each grade, 0 for one without a slot.

    Examples
    --------
    >>> shares_of({0: 2, 1: 1, 2: 1}, [0, 1, 2])
    array([0.5 , 0.25, 0.25])
    """
    counts = np.array([slots.get(grade, 0) for grade in np.asarray(grades).tolist()])
    return counts / counts.sum()


def _check_ratio(ratio, grades, present, caller):
    if not isinstance(ratio, dict):
        raise ValueError(
            f"{caller}: ratio must be 'balanced', None or a dict of grade to slots, "
            f"got {ratio!r}."
        )
    for grade, n_slots in ratio.items():
        check_positive(n_slots, f"ratio[{grade!r}]", caller=caller, kind=Integral)
    unknown = [grade for grade in ratio if grade not in grades]
    missed = [grade for grade in present if grade not in ratio]
    if unknown or missed:
        raise ValueError(
            f"{caller}: ratio must give slots to every grade of y and to no unknown "
            f"one, got no slots for {missed} and slots for unknown {unknown}."
        )
