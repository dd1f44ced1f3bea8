"""Read the command line and run one command."""

import signal
import sys
import threading
import warnings
from contextlib import contextmanager
from importlib import import_module

from briqa_sk.cli.parser import make_parser
from briqa_sk.exceptions import BriqaError, BriqaWarning


def main(argv=None):
    """Run ``briqa-sk``.

    Parameters
    ----------
    argv : list of str or None, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    status : int
        0, or 1 with one sentence on standard error, or 130 after Ctrl-C or SIGTERM.
        Mistakes in the arguments themselves exit with 2, as argparse does.
    """
    args = _parse(argv)
    # A command is imported when it runs, so that --help never waits for torch.
    command = import_module(f"briqa_sk.cli.{args.command}")
    try:
        with _plain_warnings(args.command), _stopped_by_sigterm():
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


def _parse(argv):
    parser = make_parser()
    args, others = parser.parse_known_args(argv)
    # argparse takes MODEL alone in "MODEL --out OUT SCANS", and is left with the scans.
    if args.command == "predict" and not any(text[0] == "-" for text in others if text):
        args.scans += others
    elif others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    return args


@contextmanager
def _stopped_by_sigterm():
    """Let SIGTERM, which schedulers send, end a command as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what a signal does
        return
    usual = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)


@contextmanager
def _plain_warnings(command):
    """Show our warnings as sentences; lines of source code tell a user nothing."""
    usual = warnings.formatwarning

    def plain(message, category, *where, **line):
        if issubclass(category, BriqaWarning):
            return f"briqa-sk {command}: warning: {message}\n"
        return usual(message, category, *where, **line)

    warnings.formatwarning = plain
    try:
        yield
    finally:
        warnings.formatwarning = usual
