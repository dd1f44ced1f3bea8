"""What every network configuration promises."""

from abc import abstractmethod

from sklearn.base import BaseEstimator


class NetworkConfig(BaseEstimator):
    """Parameters of a network, and a call that builds it.

    Any other callable ``(in_channels, n_outputs) -> nn.Module`` serves as well; this
    base adds parameters that nest in a grid search and the smallest volume that the
    network can take.
    """

    @property
    @abstractmethod
    def min_shape(self):
        """Smallest volume (i, j, k) that the network trains on, in voxels."""

    @abstractmethod
    def __call__(self, in_channels, n_outputs):
        """Build the network.

        Parameters
        ----------
        in_channels : int
            Channels of a volume; 1 for one MRI contrast.
        n_outputs : int
            Number of logits.

        Returns
        -------
        module : torch.nn.Module
            Maps (batch, in_channels, i, j, k) to (batch, n_outputs) logits, and ends
            in one bare ``nn.Linear``.
        """

    def _check_choice(self, parameter, choices):
        value = getattr(self, parameter)
        if value not in choices:
            names = ", ".join(map(repr, choices))
            raise ValueError(
                f"{type(self).__name__}: {parameter} must be one of {names}, "
                f"got {value!r}."
            )


class ConvNetConfig(NetworkConfig):
    """Parameters of a network that exists for images as well as for volumes."""

    @abstractmethod
    def build(self, spatial_dims, in_channels, n_outputs):
        """Build the network.

        Parameters
        ----------
        spatial_dims : {2, 3}
            2 for images of (batch, in_channels, i, j), 3 for volumes.
        in_channels, n_outputs : int
            As in :class:`NetworkConfig`.

        Returns
        -------
        module : torch.nn.Module
            As in :class:`NetworkConfig`.
        """

    def __call__(self, in_channels, n_outputs):
        """Build the network for volumes; see :class:`NetworkConfig`."""
        return self.build(3, in_channels, n_outputs)


def check_network_shape(config, shape, *, caller):
    """Refuse volumes that are too small for a network.

    Parameters
    ----------
    config : NetworkConfig or callable
        Says the smallest volume in ``min_shape``; a callable that does not say is
        trusted.
    shape : tuple of int
        Shape (i, j, k) of the volumes.
    caller : str
        Opens the error message.

    Raises
    ------
    ValueError
        If an axis is shorter than the network needs.
    """
    shape = tuple(map(int, shape))
    min_shape = getattr(config, "min_shape", (1, 1, 1))
    if any(size < least for size, least in zip(shape, min_shape, strict=True)):
        raise ValueError(
            f"{caller}: {config} needs volumes of at least {min_shape} voxels, "
            f"got {shape}. Resample to smaller voxels, pad with CropOrPad, or use "
            "module='compact', which takes any size."
        )
