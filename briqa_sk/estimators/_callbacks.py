"""What happens between two epochs."""

import math

from skorch.callbacks import Callback
from tqdm.auto import tqdm


class EpochClock(Callback):
    """Tell the data set and the optimizer which epoch it is.

    The learning rate is a function of the epoch alone, so a resumed fit follows the
    same curve without any scheduler state.

    Parameters
    ----------
    n_epochs : int
        Length of the fit.
    schedule : {"cosine", None}
        ``lr * (1 + cos(pi * epoch / n_epochs)) / 2``, or constant.
    """

    def __init__(self, n_epochs, schedule):
        self.n_epochs = n_epochs
        self.schedule = schedule

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        """Set the epoch and the learning rate."""
        epoch = len(net.history) - 1
        dataset_train.epoch = epoch
        if self.schedule == "cosine":
            lr = net.lr * (1 + math.cos(math.pi * epoch / self.n_epochs)) / 2
            for group in net.optimizer_.param_groups:
                group["lr"] = lr


class BatchProgress(Callback):
    """One progress bar over all batches of a fit.

    Parameters
    ----------
    n_epochs : int
        Length of the fit.
    """

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        """Open the bar before the first batch, at the epoch a resumed fit is in."""
        epoch, n_batches = len(net.history) - 1, len(dataset_train.batches)
        if self.bar_ is None:
            self.bar_ = tqdm(
                total=self.n_epochs * n_batches,
                initial=epoch * n_batches,
                unit="batch",
                desc="fit",
            )
        self.bar_.set_description(f"epoch {epoch + 1}/{self.n_epochs}", refresh=False)

    def on_batch_end(self, net, training=False, loss=None, **kwargs):
        """Move on by one."""
        if training:
            self.bar_.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
            self.bar_.update()

    def initialize(self):
        """Start without a bar."""
        self.bar_ = None
        return self

    def on_train_end(self, net, **kwargs):
        """Close the bar."""
        if self.bar_ is not None:
            self.bar_.close()
            self.bar_ = None
