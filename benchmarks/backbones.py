"""Size, arithmetic and time of every network, as the table of the user guide has them.

Run ``OMP_NUM_THREADS=1 python benchmarks/backbones.py >
docs/user_guide/networks.tsv``.
One scan of 64 voxels along each axis, one channel, three outputs. The arithmetic is
counted by torch (a multiplication and an addition are two operations; convolutions and
matrix products only); the time is the processor's, the best of five on one thread.
"""

import csv
import sys
import time

import torch
from machine import describe_machine
from torch.utils.flop_counter import FlopCounterMode

from briqa_sk.networks import NETWORKS

SHAPE = (1, 1, 64, 64, 64)
N_ROUNDS = 5


def count_parameters(config):
    """Return the number of trainable parameters."""
    with torch.device("meta"):
        return sum(p.numel() for p in config(1, 3).parameters() if p.requires_grad)


def count_operations(config):
    """Return the floating-point operations of one forward pass."""
    counter = FlopCounterMode(display=False)
    with torch.device("meta"):
        net, volume = config(1, 3).eval(), torch.empty(SHAPE)
    # With gradients: the fused attention of inference is not counted.
    with counter:
        net(volume)
    return counter.get_total_flops()


def best_time(config):
    """Return the seconds of one forward pass, best of some."""
    torch.manual_seed(0)
    net, volume = config(1, 3).eval(), torch.randn(SHAPE)
    times = []
    with torch.inference_mode():
        for _ in range(N_ROUNDS + 1):
            start = time.process_time()
            net(volume)
            times.append(time.process_time() - start)
    return min(times[1:])


def main():
    """Measure and print, the machine to stderr."""
    torch.set_num_threads(1)
    print(describe_machine(("briqa_sk", "torch", "monai")), file=sys.stderr)
    table = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    table.writerow(["module=", "parameters / 10^6", "GFLOP", "ms"])
    for name, config in NETWORKS.items():
        table.writerow(
            [
                name,
                f"{count_parameters(config) / 1e6:.2f}",
                f"{count_operations(config) / 1e9:.1f}",
                f"{best_time(config) * 1e3:.0f}",
            ]
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
