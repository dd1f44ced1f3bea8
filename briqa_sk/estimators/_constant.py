"""What grades an artifact of which one grade only is known."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class ConstantGrade(ClassifierMixin, BaseEstimator):
    """Predict one grade for every scan, without a look at it.

    scikit-learn's ``DummyClassifier`` does the same; it keeps part of what it learned
    in private attributes, which a model file does not take along.
    """

    def fit(self, X, y):
        """Remember the only grade of y."""
        self.classes_ = np.unique(np.asarray(y))
        return self

    def predict(self, X):
        """Return the grade, once for each scan."""
        return np.repeat(self.classes_, len(X))

    def predict_proba(self, X):
        """Return ones, (n_samples, 1)."""
        return np.ones((len(X), 1))
