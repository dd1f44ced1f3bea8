"""The arguments of every command; imports nothing heavy."""

import argparse

from briqa_sk._version import __version__

FORMATS = ("table", "lisa")


def make_parser():
    """Return the parser of ``briqa-sk``."""
    parser = argparse.ArgumentParser(
        prog="briqa-sk", description="Grade the quality of MRI scans."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_demo, _add_train, _add_predict, _add_score, _add_simulate):
        add(commands)
    return parser


def _add_demo(commands):
    command = _add_command(
        commands,
        "demo",
        "Make graded head phantoms, train on some, grade the others, report.",
    )
    command.add_argument("--out", default="demo", help="folder for everything it makes")
    command.add_argument(
        "--subjects", type=int, default=60, help="phantom heads (default: %(default)s)"
    )
    command.add_argument(
        "--epochs", type=int, default=30, help="passes (default: %(default)s)"
    )
    command.add_argument("--seed", type=_seed, default=0, help="default: %(default)s")


def _add_train(commands):
    command = _add_command(
        commands, "train", "Train a severity model on a table of rated scans."
    )
    command.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="table: --path-column, --target and --group say what is what; lisa: "
        "--table is the folder of the LISA challenge, or the table of grades in it, "
        "and its scans, seven artifacts, planes and subjects are found by themselves",
    )
    _add_table(
        command, required=True, group="subjects, which --early-stopping holds out"
    )
    command.add_argument(
        "--target",
        type=_names,
        help="column with the grade of each scan; several, separated by commas, are "
        "several artifacts, and then an empty cell is not rated",
    )
    command.add_argument("--out", required=True, help="model file to write, *.zip")
    command.add_argument(
        "--grades",
        help="all grades from best to worst, separated by commas; text grades of one "
        "artifact need it",
    )
    _add_preprocessing(command)
    _add_training(command)


def _add_predict(commands):
    command = _add_command(
        commands, "predict", "Grade scans with a trained model; one row per scan."
    )
    command.add_argument("model", help="model file that 'briqa-sk train' wrote")
    command.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="table: grades and probabilities; lisa: a submission to the LISA "
        "challenge (default: %(default)s)",
    )
    command.add_argument(
        "scans", nargs="*", help="scans, or folders to search for scans"
    )
    _add_table(
        command, required=False, group="subjects, which --report counts and resamples"
    )
    command.add_argument(
        "--target", help="column with true grades, which --report compares"
    )
    command.add_argument(
        "--out",
        help="table (default: predictions.tsv; with --format lisa, submission.csv)",
    )
    command.add_argument(
        "--report", help="HTML page to write, for a model of one artifact"
    )
    command.add_argument(
        "--prior",
        help="how frequent the grades are among these scans: balanced, training, or "
        "shares such as good=.97,bad=.03 (default: as the model was made for)",
    )
    command.add_argument(
        "--device",
        default="auto",
        help="where the network runs (default: a GPU if there is one)",
    )


def _add_score(commands):
    command = _add_command(
        commands, "score", "Score predicted grades by the rule of the LISA challenge."
    )
    command.add_argument("truth", metavar="TRUTH.csv", help="true grades")
    command.add_argument("predictions", metavar="PRED.csv", help="predicted grades")
    command.add_argument(
        "--common",
        action="store_true",
        help="score the scans that both tables have, instead of stopping",
    )
    command.add_argument("--out", help="JSON file with every number")


def _add_simulate(commands):
    command = _add_command(
        commands,
        "simulate",
        "Make graded scans of clean ones: artifacts of known severity.",
    )
    command.add_argument(
        "scans", nargs="+", metavar="IN", help="scans, or folders to search for scans"
    )
    command.add_argument("out", metavar="OUT", help="folder for the copies")
    command.add_argument(
        "--artifacts",
        type=_names,
        help="separated by commas (default: the seven of the LISA challenge)",
    )
    command.add_argument(
        "--severities",
        type=_severities,
        help="make one copy for each artifact and each of these, e.g. 0,1,2 (default: "
        "one copy of each scan, with artifacts drawn as often as they occur in LISA)",
    )
    command.add_argument(
        "--copies",
        type=_count,
        default=1,
        help="how many of each (default: %(default)s)",
    )
    command.add_argument(
        "--layout",
        choices=("bids", "lisa"),
        default="bids",
        help="bids: names as those of the scans, labels.tsv; lisa: low-field scans in "
        "three planes and labels.csv, as in the challenge (default: %(default)s)",
    )
    command.add_argument(
        "--subjects", type=_count, help="lisa: how many (default: all)"
    )
    command.add_argument(
        "--rater-kappa",
        type=_kappa,
        help="lisa: quadratic kappa of the ratings with the truth (default: 1)",
    )
    command.add_argument("--jobs", type=_count, default=1, help="processes")
    command.add_argument("--seed", type=_seed, default=0, help="default: %(default)s")


def _add_command(commands, name, text):
    command = commands.add_parser(
        name,
        help=text,
        description=text,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter
        if name == "train"
        else argparse.HelpFormatter,
    )
    command.add_argument(
        "--traceback", action="store_true", help="show where an error comes from"
    )
    return command


def _add_table(command, *, required, group):
    command.add_argument(
        "--table",
        required=required,
        help="one row per scan, tab- or comma-separated; relative paths start at the "
        "table's folder",
    )
    command.add_argument("--path-column", default="path", help="column with the files")
    command.add_argument("--group", help=f"column with the {group}")


def _add_preprocessing(command):
    group = command.add_argument_group("preprocessing")
    group.add_argument("--orientation", default="RAS", help="axes of the volumes")
    group.add_argument("--spacing-mm", type=float, default=2.0, help="voxel size")
    group.add_argument(
        "--shape",
        type=int,
        nargs=3,
        default=(96, 128, 136),  # 192 x 256 x 272 mm hold an adult's head and neck
        metavar=("I", "J", "K"),
        help="size of the volumes in voxels; what lies outside is cut off",
    )
    group.add_argument(
        "--cache",
        help="folder that keeps preprocessed scans (default: a temporary one)",
    )
    group.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="train without the scans that can't be read, instead of stopping",
    )


def _add_training(command):
    group = command.add_argument_group("training")
    group.add_argument("--module", default="compact", help="network")
    group.add_argument(
        "--encoder",
        choices=("shared", "separate"),
        default="shared",
        help="of several artifacts: one network with a head for each, which costs what "
        "one artifact costs to train, to store and to run, or a network for each",
    )
    group.add_argument(
        "--plane-head",
        action="store_true",
        help="learn the scan plane, too, from the names of the files or their voxels",
    )
    group.add_argument("--criterion", default="logit_adjusted", help="loss")
    group.add_argument("--batches", default="balanced", help="who shares a batch")
    group.add_argument("--epochs", type=int, default=20, help="passes over the scans")
    group.add_argument("--batch-size", type=int, default=8, help="scans per step")
    group.add_argument("--lr", type=float, default=3e-3, help="learning rate")
    group.add_argument(
        "--early-stopping",
        action="store_true",
        help="hold out subjects and stop when their loss stops falling",
    )
    group.add_argument(
        "--checkpoints", help="folder from which an interrupted training goes on"
    )
    group.add_argument("--workers", type=int, default=0, help="reading processes")
    group.add_argument("--device", default="auto", help="where the network runs")
    group.add_argument("--seed", type=_seed, default=0, help="random seed")


def _names(text):
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(
            f"must be names or numbers with commas between them, got {text!r}."
        )
    return list(dict.fromkeys(names))


def _severities(text):
    try:
        severities = [int(name) for name in _names(text)]
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"must be whole numbers with commas between them, got {text!r}."
        ) from error
    return list(dict.fromkeys(severities))


def _count(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(
            f"must be a whole number above 0, got {text!r}."
        )
    return int(text)


def _kappa(text):
    kappa = float(text)
    if not 0 < kappa <= 1:
        raise argparse.ArgumentTypeError(
            f"must be above 0 and at most 1, got {text!r}."
        )
    return kappa


def _seed(text):
    seed = int(text)
    if seed < 0:
        raise argparse.ArgumentTypeError(f"must be 0 or more, got {seed}.")
    return seed
