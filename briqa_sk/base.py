"""Base class of the volume transformers."""

import copy
from abc import abstractmethod

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from briqa_sk.io import Volume, VolumeSequence, as_volumes


class VolumeOutputMixin(TransformerMixin):
    """For transformers that return volumes."""

    def set_output(self, *, transform=None):
        """Take part in ``set_output`` of a pipeline; volumes stay volumes.

        Voxels are no columns of a table. Steps that return tables, such as
        :class:`briqa_sk.ImageQualityMetrics`, follow the setting.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored.

        Returns
        -------
        self : estimator
            Unchanged.
        """
        return self


class VolumeTransformer(VolumeOutputMixin, BaseEstimator):
    """One volume in, one volume out.

    A subclass writes ``__init__`` and ``_transform_volume``, and ``_check_params`` when
    its parameters have limits. Validation, looping, laziness, tags and the promise
    never to modify the input live here. Arrays are transformed at once; sequences of
    files get the step added and are read later, one at a time.

    Attributes
    ----------
    scales_intensity : bool
        Whether voxels after the step are no longer the magnitudes that a scanner
        stored. Artifacts are simulated before such a step.
    """

    scales_intensity = False

    def fit(self, X, y=None):
        """Check the parameters and the input.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, images or VolumeSequence
            Volumes.
        y : None
            Ignored.

        Returns
        -------
        self : VolumeTransformer
            The fitted transformer.
        """
        self._check_params()
        self._check_X(X, reset=True)
        return self

    def transform(self, X):
        """Transform every volume on its own.

        Parameters
        ----------
        X : array-like of shape (n_samples, i, j, k), paths, images or VolumeSequence
            Volumes; left untouched. An array counts as 1 mm, RAS.

        Returns
        -------
        Xt : ndarray of shape (n_samples, i_out, j_out, k_out) or VolumeSequence
            Transformed float32 volumes for an array; a lazy sequence for the others.
        """
        self._check_params()
        X = self._check_X(X, reset=False)
        if isinstance(X, VolumeSequence):
            return X.map(self._as_step())
        return self._stack([self(Volume(data)).data for data in X])

    def __call__(self, volume):
        """Transform one volume.

        Parameters
        ----------
        volume : Volume
            Left untouched.

        Returns
        -------
        volume : Volume
            A new one.
        """
        return self._transform_volume(volume)

    def _as_step(self):
        """Return what a sequence remembers: a copy that later changes don't reach.

        Parameters and fitted state only: what scikit-learn hangs on an estimator while
        a Pipeline is fitted differs between fits, and would change the keys of caches.
        """
        step = copy.copy(self)
        state = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        step.__dict__ = copy.deepcopy(state)
        return step

    def _check_X(self, X, *, reset):
        return as_volumes(X, caller=type(self).__name__)

    def _check_finite(self, volume):
        """Raise ``ValueError`` for NaN, for steps that could not go on with it."""
        # NaN passes on to the extremes; no mask in memory.
        if not np.isfinite([volume.data.min(), volume.data.max()]).all():
            raise ValueError(
                f"{type(self).__name__}: a volume must be finite, got NaN or inf in "
                f"{volume.path or 'a scan in memory'}. Fill the voxels, or leave the "
                "scan out."
            )

    def _stack(self, volumes):
        shapes = {volume.shape for volume in volumes}
        if len(shapes) > 1:
            raise ValueError(
                f"{type(self).__name__}: the volumes of an array must keep one shape, "
                f"got {sorted(shapes)}. Put CropOrPad next, and pass a VolumeSequence "
                "or paths."
            )
        return np.stack(volumes)

    def _check_params(self):
        """Raise ``ValueError`` if a constructor parameter is out of range."""

    @abstractmethod
    def _transform_volume(self, volume):
        """Return the transformed Volume."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
