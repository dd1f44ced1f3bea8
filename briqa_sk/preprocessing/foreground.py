"""Cut the air around the head away."""

import numpy as np

from briqa_sk._validation import check_real
from briqa_sk.base import VolumeTransformer
from briqa_sk.kernels import foreground_box, foreground_mask, shift_affine


class CropForeground(VolumeTransformer):
    """Cut each volume to the box around its foreground.

    The foreground is what is brighter than Otsu's threshold, without specks of noise
    in the air (connected parts with less than 1 % of its voxels). Volumes come out
    with shapes of their own: put :class:`CropOrPad` after it, and give it paths or a
    VolumeSequence, since the volumes of an array must keep one shape.

    Parameters
    ----------
    margin_mm : float, default=5.0
        Width of air to leave around the box, in millimetres, where the volume goes
        that far.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk import CropForeground
    >>> X = np.zeros((1, 10, 10, 10))
    >>> X[0, 4:6, 4:6, 4:6] = 1
    >>> CropForeground(margin_mm=1).fit_transform(X).shape
    (1, 4, 4, 4)
    """

    def __init__(self, margin_mm=5.0):
        self.margin_mm = margin_mm

    def _check_params(self):
        check_real(self.margin_mm, "margin_mm", caller="CropForeground")
        if self.margin_mm < 0:
            raise ValueError(
                f"CropForeground: margin_mm must be at least 0, got {self.margin_mm}."
            )

    def _transform_volume(self, volume):
        self._check_finite(volume)
        start, stop = foreground_box(foreground_mask(volume.data))
        margin = np.ceil(self.margin_mm / np.array(volume.spacing_mm))
        margin = np.minimum(margin, volume.shape).astype(int)
        start = np.maximum(start - margin, 0)
        stop = np.minimum(stop + margin, volume.shape)
        box = tuple(slice(*ends) for ends in zip(start, stop, strict=True))
        return volume.derive(
            volume.data[box].copy(),  # a view would keep the whole volume in memory
            shift_affine(volume.affine, start),
            step=f"CropForeground(margin_mm={self.margin_mm})",
        )
