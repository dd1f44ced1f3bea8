"""Grades as they are typed or tabulated, and as a model knows them."""

import numpy as np


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
        If the known labels are numbers or truth values and a label is not.
    """
    known = np.unique(known)
    by_number = {_number(label): label for label in known.tolist()}
    by_text = {str(label): label for label in known.tolist()}
    is_text = known.dtype.kind not in "biuf"
    matched = []
    for label in labels:
        text, number = str(label), _number(label)
        if text in by_text:
            matched.append(by_text[text])
        elif number is not None and number in by_number:
            matched.append(by_number[number])
        elif is_text:
            matched.append(text)
        elif number is not None and known.dtype.kind != "b":
            matched.append(number)
        else:
            raise ValueError(
                f"{caller} must be labels like {known.tolist()}, got {text!r}."
            )
    return matched


def _number(label):
    try:
        return float(str(label))
    except ValueError:
        return None
