"""Which rebalancing rule wins? LISA look-alikes of 37 real heads, five subject folds.

Every fit sees 3,000 samples of the scans of four folds, with the labels of a rater, a
new one for each seed, and is tested on scans of the fifth: 24 per grade of each
artifact, true grades. One fit gives two views, each with the matching prior: balanced
grades, and the prevalence of LISA 2025; see ``rebalancing_results.py``.

1. ``python benchmarks/rebalancing.py data --work DIR --data FOLDER`` makes the scans.
2. ``python benchmarks/rebalancing.py fit --work DIR`` fits all rows on image metrics;
   ``--kappa .6`` for another rater, ``--on voxels --rows ...`` for central slices.
3. ``python benchmarks/rebalancing.py table --work DIR`` writes docs/rebalancing-*.tsv.

With ``--full``, step 1 writes the test scans as files, too, and step 2 trains four deep
networks on whole volumes of 128 voxels along each axis, on a GPU if there is one; it
keeps 46 GB of volumes in ``DIR/cache``.

Each step goes on where it stopped; ``--part 0/2`` and ``--part 1/2`` share the fits
between two processes. Results are appended to ``DIR/fits-*.tsv``, a row per fit.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads its BLAS

import argparse
import itertools
import sys
from operator import itemgetter
from pathlib import Path
from time import perf_counter

import torch
from rebalancing_data import COLUMNS, N_FOLDS, find_heads, fold_of, make_data
from rebalancing_results import append_fit, read_done
from rebalancing_rows import FULL_NETWORKS, FULL_ROWS, SHARED_PASSES, rows, rows_of
from rebalancing_scans import Scans
from rebalancing_table import write_tables
from rebalancing_training import N_SAMPLES, predict, predict_shared

SHARED = Path(__file__).parents[2] / "shared" / "data"


def fit_rows(args, on, names):
    """Fit what is missing of the rows; append one line per fit."""
    index, n_parts = (int(number) for number in args.part.split("/"))
    work = args.work
    if args.samples != N_SAMPLES:
        work = work / f"samples-{args.samples}"  # never mixed with the others
        work.mkdir(exist_ok=True)
    path = work / f"fits-{on}-{args.kappa:g}-{index}.tsv"
    done = read_done(work)
    heads = fold_of(find_heads(args.data))
    turns = itertools.product(range(N_FOLDS), range(args.seeds), names)
    fits = [
        (fold, seed, artifact, row)
        for fold, seed, row in itertools.islice(turns, index, None, n_parts)
        for artifact in args.artifacts
        if (on, args.kappa, fold, seed, artifact, row) not in done
    ]
    for fold, of_fold in itertools.groupby(fits, key=itemgetter(0)):
        scans = Scans(args.work, on, fold, heads)
        for seed, of_seed in itertools.groupby(of_fold, key=itemgetter(1)):
            scans.rate(args.kappa, seed)
            for _, _, artifact, row in of_seed:
                kind = COLUMNS.index(artifact)
                own = scans.kind == kind
                start = perf_counter()
                answer = fit_row(args, on, scans, seed, kind, row)
                seconds = perf_counter() - start
                tested = scans.grade[own], scans.head[own], scans.share(kind, row)
                task = (on, args.kappa, fold, seed, artifact, row)
                append_fit(path, task, tested, answer, seconds)


def fit_row(args, on, scans, seed, kind, row):
    """Return probabilities of the test scans of an artifact, and their prevalence."""
    own = scans.kind == kind
    if row in SHARED_PASSES:
        proba, prior = predict_shared(row, scans, seed, args.samples)
        return proba[kind][own], prior
    return predict(
        row,
        scans.of(kind, row),
        scans.X_test[own],
        on=on,
        seed=seed,
        n_samples=args.samples,
        n_workers=args.workers,
    )


def make_parser():
    """Return what reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("step", choices=("data", "fit", "table"))
    add("--work", type=Path, required=True, metavar="DIR", help="scans and results")
    add("--data", type=Path, default=SHARED, metavar="FOLDER", help="the real heads")
    add(
        "--full",
        action="store_true",
        help="whole volumes: data writes the test scans as files, fit trains on files",
    )
    fits = parser.add_argument_group("step fit")
    add = fits.add_argument
    add(
        "--on",
        choices=("metrics", "voxels", *FULL_NETWORKS),
        default="metrics",
        help="what a network sees, or which one sees whole volumes (default: metrics; "
        "with --full, these four in turn)",
    )
    add("--kappa", type=float, default=0.8, help="of the rater (default: %(default)s)")
    add("--seeds", type=int, default=5, help="how many (default: %(default)s)")
    add("--artifacts", nargs="+", default=COLUMNS, choices=COLUMNS, metavar="NAME")
    add(
        "--rows",
        nargs="+",
        choices=tuple(rows()),
        metavar="ROW",
        help=f"names in the tables (default: all; {', '.join(FULL_ROWS)} "
        "for whole volumes)",
    )
    add("--part", default="0/1", help="which part of how many (default: %(default)s)")
    add(
        "--samples",
        type=int,
        default=N_SAMPLES,
        help="seen by a fit (default: %(default)s); few for a trial, whose results "
        "stand in DIR/samples-N",
    )
    add("--workers", type=int, default=0, help="processes that read volumes ahead")
    return parser


def main():
    """Run one step."""
    parser = make_parser()
    args = parser.parse_args()
    if args.step == "data":
        make_data(args.data, args.work, args.full)
    elif args.step == "table":
        sys.stdout.write(write_tables(args.work))
    else:
        torch.set_num_threads(1)
        for on in FULL_NETWORKS if args.full else [args.on]:
            usual = FULL_ROWS if on in FULL_NETWORKS else rows_of(on)
            names = args.rows or usual
            unfit = set(names) - set(rows_of(on))
            if unfit:
                parser.error(f"no such rows on {on}: {', '.join(sorted(unfit))}")
            fit_rows(args, on, names)


if __name__ == "__main__":
    main()
