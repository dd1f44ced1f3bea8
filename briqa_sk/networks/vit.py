"""Vision transformer."""

import torch
from torch import nn
from torch.nn import functional as F

from briqa_sk.networks._base import NetworkConfig


class ViT(NetworkConfig):
    """3-D vision transformer [1]_, for volumes of any size.

    A position is embedded by sines and cosines of its coordinates, computed for the
    patches that a volume has, where most implementations (MONAI's too) learn one
    embedding per position and fix the size of the volume when the network is built. A
    volume is padded with zeros to whole patches.

    Parameters
    ----------
    patch_size : int, default=16
        Edge of a patch in voxels.
    hidden_size : int, default=384
        Features of a patch; a multiple of 6 and of ``num_heads``. The defaults are
        those of ViT-S, the smallest in common use.
    mlp_dim : int, default=1536
        Features inside the two-layer perceptrons.
    num_layers : int, default=12
        Transformer blocks.
    num_heads : int, default=6
        Attention heads.
    dropout : float, default=0.0
        Part of the features that is dropped in training, in [0, 1].

    References
    ----------
    .. [1] Dosovitskiy et al. "An image is worth 16x16 words", ICLR 2021.

    Examples
    --------
    >>> import torch
    >>> from briqa_sk.networks import ViT
    >>> config = ViT(hidden_size=12, mlp_dim=24, num_layers=2, num_heads=2)
    >>> net = config(in_channels=1, n_outputs=3)
    >>> [net(torch.zeros(1, 1, *shape)).shape for shape in [(32, 32, 32), (40, 16, 20)]]
    [torch.Size([1, 3]), torch.Size([1, 3])]
    """

    def __init__(
        self,
        patch_size=16,
        hidden_size=384,
        mlp_dim=1536,
        num_layers=12,
        num_heads=6,
        dropout=0.0,
    ):
        self.patch_size = patch_size
        self.hidden_size = hidden_size
        self.mlp_dim = mlp_dim
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.dropout = dropout

    @property
    def min_shape(self):
        """Smallest volume (i, j, k): one patch."""
        return (self.patch_size,) * 3

    def __call__(self, in_channels, n_outputs):
        """Build the network; see :class:`NetworkConfig`."""
        if self.hidden_size % 6 or self.hidden_size % self.num_heads:
            raise ValueError(
                "ViT: hidden_size must be a multiple of 6 (sine and cosine on three "
                f"axes) and of num_heads={self.num_heads}, got {self.hidden_size}."
            )
        return ViTModule(in_channels, n_outputs, **self.get_params())


class ViTModule(nn.Module):
    """The network that :class:`ViT` builds.

    Parameters
    ----------
    in_channels : int
        Channels of a volume.
    n_outputs : int
        Number of logits.
    patch_size, hidden_size, mlp_dim, num_layers, num_heads : int
        As in :class:`ViT`.
    dropout : float
        As in :class:`ViT`.
    """

    def __init__(
        self,
        in_channels,
        n_outputs,
        patch_size,
        hidden_size,
        mlp_dim,
        num_layers,
        num_heads,
        dropout,
    ):
        super().__init__()
        self.patches = PatchEmbedding(in_channels, hidden_size, patch_size)
        self.class_token = nn.Parameter(torch.zeros(1, 1, hidden_size))
        self.blocks = nn.Sequential(
            nn.Dropout(dropout),
            *(
                nn.TransformerEncoderLayer(
                    hidden_size,
                    num_heads,
                    mlp_dim,
                    dropout,
                    activation="gelu",
                    batch_first=True,
                    norm_first=True,
                )
                for _ in range(num_layers)
            ),
            nn.LayerNorm(hidden_size),
        )
        self.head = nn.Linear(hidden_size, n_outputs)

    def forward(self, x):
        """Return (batch, n_outputs) logits of (batch, in_channels, i, j, k) volumes."""
        x = self.patches(x)  # (batch, n_patches, hidden_size)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1)
        return self.head(self.blocks(x)[:, 0])


class PatchEmbedding(nn.Module):
    """Cut volumes of any size into patches; embed content and position of each.

    Parameters
    ----------
    in_channels : int
        Channels of a volume.
    hidden_size : int
        Features of a patch.
    patch_size : int
        Edge of a patch in voxels.
    """

    def __init__(self, in_channels, hidden_size, patch_size):
        super().__init__()
        self.patch_size = patch_size
        self.project = nn.Conv3d(in_channels, hidden_size, patch_size, patch_size)

    def forward(self, x):
        """Return (batch, n_patches, hidden_size) tokens."""
        missing = [-size % self.patch_size for size in x.shape[:1:-1]]  # of k, j, i
        x = F.pad(x, [pad for after in missing for pad in (0, after)])
        x = self.project(x)  # (batch, hidden_size, *grid)
        position = embed_positions(x.shape[2:], x.shape[1]).to(x)
        return x.flatten(start_dim=2).transpose(1, 2) + position


def embed_positions(grid, n_features):
    """Return the sines and cosines of every position of a grid.

    Parameters
    ----------
    grid : tuple of int
        Patches along i, j and k.
    n_features : int
        A multiple of 6.

    Returns
    -------
    embedding : Tensor of shape (n_patches, n_features)
        A third for each axis; wavelengths from 2 pi to 20000 pi patches.
    """
    n_waves = n_features // 6
    frequency = 10_000.0 ** -(torch.arange(n_waves) / n_waves)
    position = torch.cartesian_prod(*map(torch.arange, grid))  # (n_patches, 3)
    angle = position[:, :, None] * frequency  # (n_patches, 3, n_waves)
    return torch.cat([angle.sin(), angle.cos()], dim=2).flatten(start_dim=1)
