"""What a fitted classifier of one artifact says of volumes."""

import numpy as np
from sklearn.utils.validation import check_is_fitted


class GradeOutputs:
    """Mixin that turns log-probabilities of ranks into the caller's grades."""

    def predict_proba(self, X):
        """Probability of each grade.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Preprocessed volumes.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns follow ``classes_``; rows sum to 1.
        """
        return np.exp(self._log_proba(X))

    def decision_function(self, X):
        """Confidence in each grade, on a logarithmic scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Preprocessed volumes.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            Log-probabilities, columns as in ``classes_``. With two classes, the
            log-odds of ``classes_[1]``.
        """
        log_proba = self._log_proba(X)
        if len(self.classes_) == 2:
            return log_proba[:, 1] - log_proba[:, 0]
        return log_proba

    def predict(self, X):
        """Most probable grade.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, or VolumeSequence
            Preprocessed volumes.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Grades, in the caller's own labels.
        """
        best = self._log_proba(X).argmax(axis=1)
        return self.classes_[best]

    @property
    def history_(self):
        """What happened in each epoch: times, losses and scores."""
        check_is_fitted(self)
        return self.net_.history_

    def _log_proba(self, X):
        by_rank = self._log_proba_by_rank(X)
        return by_rank[:, self._ranks_of(self.classes_)]
