"""Tables that grow row by row, so that a stopped run goes on, and what they rest on."""

import ast
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

import briqa_sk


class Rows:
    """A table in a file that grows.

    Parameters
    ----------
    path : Path
        A table of tab-separated values.
    keys : sequence of str
        Columns that together tell what is done.
    """

    def __init__(self, path, keys):
        self.path, self.keys = path, list(keys)

    def read(self):
        """Return the rows so far."""
        if not self.path.is_file():
            return pd.DataFrame(columns=self.keys)
        return pd.read_csv(self.path, sep="\t", keep_default_na=False, na_values="nan")

    def done(self):
        """Return the keys of the rows so far."""
        return set(self.read()[self.keys].itertuples(index=False, name=None))

    def append(self, rows, **key):
        """Append rows with the values of the keys in front."""
        rows = pd.DataFrame(rows)
        for place, name in enumerate(self.keys):
            rows.insert(place, name, key[name])
        is_new = not self.path.is_file()
        rows.to_csv(
            self.path, sep="\t", index=False, mode="a", header=is_new, na_rep="nan"
        )


def digest_simulator():
    """Return a short digest of the code that makes our artifacts.

    Comments and docstrings don't change it, nor does what only measures.
    """
    root = Path(briqa_sk.__file__).parent
    digest = hashlib.sha256()
    parts = ("simulation", "kernels")
    for path in sorted(p for part in parts for p in (root / part).rglob("*.py")):
        if path.stem == "leaks":
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            is_text = isinstance(body, list) and body and isinstance(body[0], ast.Expr)
            if is_text and isinstance(body[0].value, ast.Constant):
                body[0].value.value = ""
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:10]


def interval_over_people(people, statistic, n_resamples=500):
    """Return the interval of 95 % of a statistic over resampled people.

    Parameters
    ----------
    people : array-like of shape (n_rows,)
        Whose row it is.
    statistic : callable
        Takes indices of rows and returns a number.
    n_resamples : int, default=500
        How often people are drawn, with replacement.

    Returns
    -------
    low, high : float
        Percentiles 2.5 and 97.5.
    """
    people = np.asarray(people)
    rows_of = [np.flatnonzero(people == person) for person in pd.unique(people)]
    rng = np.random.default_rng(0)
    values = [
        statistic(np.concatenate([rows_of[n] for n in drawn]))
        for drawn in rng.integers(len(rows_of), size=(n_resamples, len(rows_of)))
    ]
    return tuple(np.nanpercentile(values, [2.5, 97.5]))
