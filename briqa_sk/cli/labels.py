"""Grades as they are typed or tabulated, and as a model knows them."""

import numpy as np
import pandas as pd

from briqa_sk.calibration.prior import resolve_prior


def parse_grades(text, grades):
    """Return the grades of ``--grades`` in the type of the labels.

    Parameters
    ----------
    text : str or None
        Grades with commas between them.
    grades : Series or DataFrame
        Labels, or gaps.

    Returns
    -------
    wanted : list or None
        None without text.

    Raises
    ------
    ValueError
        As :func:`match_labels` does.
    """
    if text is None:
        return None
    wanted = [grade.strip() for grade in text.split(",")]
    known = [label for label in grades.to_numpy().ravel() if pd.notna(label)]
    return match_labels(wanted, known, caller="--grades")


def parse_prior(text, classes):
    """Return the value of ``--prior`` as a classifier takes it.

    Parameters
    ----------
    text : str
        "balanced", "training", or ``grade=share`` pairs with commas between them.
    classes : ndarray of shape (n_classes,)
        Grades that the model knows.

    Returns
    -------
    prior : str or dict of grade to share
        The latter adds up to 1.

    Raises
    ------
    ValueError
        If it is neither, or shares are not one above 0 for each grade, together 1.
    """
    if text in ("balanced", "training"):
        return text
    pairs = [pair.partition("=") for pair in text.split(",")]
    shares = [as_number(share) for _, _, share in pairs]
    if None in shares:
        raise ValueError(
            "--prior must be balanced, training, or shares such as good=.97,bad=.03, "
            f"got {text!r}."
        )
    labels = match_labels((g.strip() for g, *_ in pairs), classes, caller="--prior")
    prior = dict(zip(labels, shares, strict=True))
    resolve_prior(prior, np.asarray(classes), None, caller="--prior")
    return prior


def match_labels(labels, known, *, caller):
    """Return labels in the type of those that are known.

    Parameters
    ----------
    labels : iterable
        Text, numbers or truth values: "1", 1 and 1.0 are the same grade.
    known : array-like
        Labels of the right type.
    caller : str
        Opens the error message.

    Returns
    -------
    matched : list
        The known label where there is one. Others stay text or numbers.

    Raises
    ------
    ValueError
        If no known label is text and a label is not of their kind.
    """
    known = np.asarray(known, dtype=object)
    known = list(dict.fromkeys(pd.Series(known).infer_objects().tolist()))
    by_number = {as_number(label): label for label in known}
    by_text = {str(label): label for label in known}
    has_text = any(isinstance(label, str) for label in known)
    has_numbers = not all(isinstance(label, str | bool) for label in known)
    matched = []
    for label in labels:
        text, number = str(label), as_number(label)
        if text in by_text:
            matched.append(by_text[text])
        elif number is not None and number in by_number:
            matched.append(by_number[number])
        elif number is not None and has_numbers:
            matched.append(number)
        elif has_text:
            matched.append(text)
        else:
            raise ValueError(
                f"{caller} must be labels like {sorted(known)}, got {text!r}."
            )
    return matched


def as_number(label):
    """Return what a label is as a finite number, or None."""
    try:
        number = float(str(label))
    except ValueError:
        return None
    return number if np.isfinite(number) else None
