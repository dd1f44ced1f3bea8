"""Batches of several samplers, one after another in turn."""

from torch.utils.data import Sampler


class InterleavedBatchSampler(Sampler):
    """Deal batch b of a fit from sampler b modulo the number of samplers.

    A network that grades several artifacts at once sees in each batch what the batch
    plan of one of them asks for. An epoch has as many batches as the samplers have on
    average, so that it costs what an epoch of one artifact costs; each sampler goes on
    in the next epoch where it stopped.

    Parameters
    ----------
    samplers : sequence of SeededBatchSampler
        Each over the samples that it knows the labels of.
    members : sequence of ndarray of int
        For each sampler, the indices of these samples among all.

    Examples
    --------
    >>> import numpy as np
    >>> from briqa_sk.sampling import ShuffledBatchSampler
    >>> samplers = [ShuffledBatchSampler(["a"] * 4, 2, seed) for seed in (0, 1)]
    >>> interleaved = InterleavedBatchSampler(samplers, [np.arange(4), np.arange(4, 8)])
    >>> [min(batch) >= 4 for batch in interleaved]
    [False, True]
    """

    def __init__(self, samplers, members):
        super().__init__()
        self.samplers = list(samplers)
        self.members = list(members)
        self.epoch = self.batch = self._first_batch = 0

    def __len__(self):
        """Return the number of batches of a whole epoch."""
        return round(sum(map(len, self.samplers)) / len(self.samplers))

    def __iter__(self):
        epoch, first, n_batches = self.epoch, self._first_batch, len(self)
        self._first_batch = 0
        n_dealt = epoch * n_batches + first
        streams = [self._stream(k, n_dealt) for k in range(len(self.samplers))]
        for batch in range(first, n_batches):
            turn = (epoch * n_batches + batch) % len(self.samplers)
            is_last = batch + 1 == n_batches
            self.epoch, self.batch = (epoch + 1, 0) if is_last else (epoch, batch + 1)
            yield self.members[turn][next(streams[turn])].tolist()

    def state_dict(self):
        """Return where the sampler stands, to be saved between two batches.

        Returns
        -------
        state : dict
            The epoch and the batch to be dealt next. The seeds are the samplers' own.
        """
        return {"epoch": self.epoch, "batch": self.batch}

    def load_state_dict(self, state):
        """Let the next pass continue where an equal sampler stood.

        Parameters
        ----------
        state : dict
            From :meth:`state_dict`.
        """
        self.epoch = state["epoch"]
        self.batch = self._first_batch = state["batch"]

    def _stream(self, number, n_dealt):
        """Yield the batches of one sampler from its next one on, for ever."""
        sampler, n_samplers = self.samplers[number], len(self.samplers)
        n_own = n_dealt // n_samplers + (number < n_dealt % n_samplers)
        epoch, batch = divmod(n_own, len(sampler))
        seed = sampler.state_dict()["seed"]
        sampler.load_state_dict({"seed": seed, "epoch": epoch, "batch": batch})
        while True:
            yield from sampler
