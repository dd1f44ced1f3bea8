"""Voxels in, voxels out: as an artifact works on them, and as the caller has them."""

import math

import numpy as np
import torch

from briqa_sk.io import Volume
from briqa_sk.simulation._scan import Scan


def corrupt_voxels(volume, steps, acquisition, *, spacing_mm, caller):
    """Apply artifacts to a scan, one after the other, in one acquisition.

    Voxels are worked on in a unit that is a power of 2, so that their squares are
    numbers, however large or small they are.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Magnitude image, not negative; left untouched.
    steps : list of (Artifact, dict)
        Artifacts and their parameters.
    acquisition : dict
        From :meth:`Acquisition.draw`.
    spacing_mm : tuple of 3 float
        Voxel size of an array or a tensor.
    caller : str
        Opens the error messages.

    Returns
    -------
    corrupted : Volume, ndarray or Tensor of shape (i, j, k)
        As the input, in float32; an exact copy if all strengths are 0.

    Raises
    ------
    ValueError
        If the volume is not a 3-D magnitude image, or too small or too bright.
    TypeError
        If its voxels are not real numbers.
    """
    data = private_copy(volume, caller=caller)
    history = [artifact.describe(parameters) for artifact, parameters in steps]
    acting = [step for step in steps if step[1]["strength"] != 0]
    if not acting:
        return unchanged(volume, data, steps=history)
    affine = volume.affine if isinstance(volume, Volume) else None
    spacing_mm = volume.spacing_mm if isinstance(volume, Volume) else spacing_mm
    # 2^-125 is the smallest unit whose inverse is a float32, too.
    unit = 2.0 ** max(math.frexp(float(data.max()))[1] - 1, -125)
    data /= unit
    scan = Scan(data, spacing_mm, acquisition, affine)
    for artifact, parameters in acting:
        # One's own artifact may return a view, and the next one works on flat blocks.
        data = artifact._apply(data, parameters, scan).contiguous()
    data *= unit
    if not torch.isfinite(data.amax()):
        raise ValueError(
            f"{caller}: a corrupted scan must be finite, got voxels beyond float32 "
            f"from a scan as bright as {unit:.3g}. Rescale it."
        )
    return like(volume, data, steps=history)


def private_copy(volume, *, caller):
    """Return a C-contiguous float32 copy of a magnitude image as a tensor.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor of shape (i, j, k)
        Left untouched.
    caller : str
        Opens the error message.

    Returns
    -------
    data : Tensor of shape (i, j, k), dtype float32
        On the device of the input.

    Raises
    ------
    ValueError
        If it is not 3-D, is empty, or has NaN, infinite or negative voxels.
    TypeError
        If the voxels are not real numbers.
    """
    if isinstance(volume, torch.Tensor):
        kind = "c" if volume.is_complex() else "f"
        shape = tuple(volume.shape)
    else:
        volume = np.asarray(volume)
        kind, shape = volume.dtype.kind, volume.shape
    if kind not in "biuf":
        raise TypeError(
            f"{caller}: voxels must be real numbers, got "
            f"{'complex ones' if kind == 'c' else f'dtype {volume.dtype}'}."
        )
    if len(shape) != 3 or 0 in shape:
        raise ValueError(
            f"{caller}: a volume must be 3-D (i, j, k), got shape {shape}."
        )
    if isinstance(volume, torch.Tensor):
        data = torch.empty(shape, dtype=torch.float32, device=volume.device)
        data.copy_(volume.detach())
    else:
        data = torch.from_numpy(np.array(volume, dtype=np.float32, order="C"))
    _check_magnitude(data, caller)
    return data


def _check_magnitude(data, caller):
    low, high = (float(extreme) for extreme in torch.aminmax(data))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(
            f"{caller}: voxels must be finite, got NaN or inf. Fill them, or leave the "
            "scan out."
        )
    if low < 0:
        raise ValueError(
            f"{caller}: voxels must be a magnitude, 0 or more, got {low:.4g}. Simulate "
            "before StandardizeIntensity."
        )


def like(volume, data, *, steps):
    """Return voxels in the type of the volume that they were made from.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor
        The original.
    data : Tensor of shape (i, j, k)
        New voxels.
    steps : list of str
        Entries for the history of a Volume.

    Returns
    -------
    volume : Volume, ndarray or Tensor
        A Volume for a Volume, an array for an array, a tensor for a tensor.
    """
    if isinstance(volume, torch.Tensor):
        return data
    array = data.numpy()
    if not isinstance(volume, Volume):
        return array
    for step in steps:
        volume = volume.derive(array, step=step)
    return volume


def unchanged(volume, data, *, steps):
    """Return a copy of a scan that keeps the precision it came in.

    Parameters
    ----------
    volume : Volume, ndarray or Tensor
        The original.
    data : Tensor of shape (i, j, k)
        The same voxels in float32, for whole numbers.
    steps : list of str
        Entries for the history of a Volume.

    Returns
    -------
    volume : Volume, ndarray or Tensor
        Of the type of the original.
    """
    if isinstance(volume, torch.Tensor) and volume.is_floating_point():
        return volume.detach().clone()
    if isinstance(volume, np.ndarray) and volume.dtype.kind == "f":
        return volume.copy()
    return like(volume, data, steps=steps)
