"""Read the command line and run one command."""

import sys
from importlib import import_module

from briqa_sk.cli.parser import make_parser
from briqa_sk.exceptions import BriqaError


def main(argv=None):
    """Run ``briqa-sk``.

    Parameters
    ----------
    argv : list of str or None, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    status : int
        0, or 1 with one sentence on standard error. Mistakes in the arguments
        themselves exit with 2, as argparse does.
    """
    args = make_parser().parse_args(argv)
    # A command is imported when it runs, so that --help never waits for torch.
    command = import_module(f"briqa_sk.cli.{args.command}")
    try:
        command.run(args)
    except (BriqaError, ValueError, TypeError, OSError) as error:
        if args.traceback:
            raise
        sys.stderr.write(f"briqa-sk {args.command}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"\nbriqa-sk {args.command}: interrupted.\n")
        return 130
    return 0
