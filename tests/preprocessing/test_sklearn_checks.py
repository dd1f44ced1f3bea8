"""scikit-learn's own checks on every transformer of arrays, with no waiver."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)
from sklearn.utils.validation import validate_data

from briqa_sk import (
    ClipIntensity,
    CropForeground,
    CropOrPad,
    MatchHistogram,
    Reorient,
    Resample,
    RescaleIntensity,
    StandardizeIntensity,
)

# Parameters that make sense on volumes of 1 x 1 x p voxels of 1 mm.
TRANSFORMERS = [
    ClipIntensity(),
    CropForeground(margin_mm=1e3),  # tables must keep one width
    CropOrPad((1, 1, 4)),
    MatchHistogram(),
    Reorient("LPI"),
    Resample((1, 1, 2)),
    RescaleIntensity(),
    StandardizeIntensity(),
]


class _OnTables:
    """Rows of p features in, as volumes of 1 x 1 x p voxels, and rows out.

    scikit-learn sends tables, and skips most checks for estimators of 3-D arrays.
    """

    set_output = property()  # volumes never become a DataFrame: there is none to check

    def _check_X(self, X, *, reset):
        X = validate_data(self, X, dtype=np.float32, reset=reset)
        return X.reshape(len(X), 1, 1, -1)

    def transform(self, X):
        Xt = super().transform(X)
        return Xt.reshape(len(Xt), -1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = False
        return tags


def on_tables(transformer):
    base = type(transformer)
    name = f"{base.__name__}OnTables"
    bridge = type(name, (_OnTables, base), {"__module__": __name__})
    globals()[name] = bridge  # where pickle looks for it
    return bridge(**transformer.get_params())


@parametrize_with_checks([on_tables(transformer) for transformer in TRANSFORMERS])
def test_scikit_learn_accepts_the_transformer(estimator, check):
    check(estimator)


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda t: type(t).__name__)
def test_there_are_at_least_45_checks_that_run(transformer):
    checks = [check for _, check in estimator_checks_generator(on_tables(transformer))]
    n_skipped = sum("array_api" in str(check) for check in checks)
    assert len(checks) - n_skipped >= 45
