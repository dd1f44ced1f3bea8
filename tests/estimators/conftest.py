"""What several tests of estimators need."""

import pytest
from sklearn import config_context
from skorch.callbacks import Callback


class PowerCut(Callback):
    """Interrupt a fit in an epoch, once; a fit works on copies."""

    is_armed = True

    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch and PowerCut.is_armed:
            PowerCut.is_armed = False
            raise KeyboardInterrupt


@pytest.fixture
def power_cut():
    """A callback that interrupts the next fit in its third epoch."""
    PowerCut.is_armed = True
    return PowerCut(epoch=3)


@pytest.fixture
def enable_routing():
    with config_context(enable_metadata_routing=True):
        yield
