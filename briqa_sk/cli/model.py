"""The pipeline that the commands train and save."""

from sklearn.pipeline import Pipeline

from briqa_sk.estimators import MultiArtifactClassifier, SeverityClassifier
from briqa_sk.preprocessing import (
    CacheVolumes,
    CropOrPad,
    LoadVolumes,
    Resample,
    StandardizeIntensity,
)


def make_pipeline(classifier, *, spacing_mm, shape, orientation="RAS", cache):
    """Return files -> volumes of one size -> grades.

    Parameters
    ----------
    classifier : SeverityClassifier or MultiArtifactClassifier
        Last step.
    spacing_mm : float
        Voxel size.
    shape : tuple of int
        Size (i, j, k) in voxels.
    orientation : str, default="RAS"
        Axes of the volumes.
    cache : str or os.PathLike
        Folder for preprocessed volumes.

    Returns
    -------
    pipeline : Pipeline
        Not fitted.
    """
    return Pipeline(
        [
            ("load", LoadVolumes(orientation=orientation)),
            ("resample", Resample(spacing_mm=spacing_mm)),
            ("crop", CropOrPad(tuple(shape))),
            ("scale", StandardizeIntensity()),
            ("cache", CacheVolumes(str(cache))),
            ("grade", classifier),
        ]
    )


def make_classifier(args, grades=None, *, several=False):
    """Return the classifier that the arguments of ``briqa-sk train`` describe.

    Parameters
    ----------
    args : argparse.Namespace
        From :func:`briqa_sk.cli.parser.make_parser`.
    grades : list or None, default=None
        All grades from best to worst.
    several : bool, default=False
        Whether it grades several artifacts.

    Returns
    -------
    classifier : SeverityClassifier or MultiArtifactClassifier
        Not fitted.
    """
    classifier = SeverityClassifier(
        module=args.module,
        criterion=args.criterion,
        batches=args.batches,
        grades=grades,
        plane_head=args.plane_head,
        max_epochs=args.epochs,
        batch_size=args.batch_size,
        lr=args.lr,
        early_stopping=args.early_stopping,
        checkpoint_dir=args.checkpoints,
        num_workers=args.workers,
        device=args.device,
        random_state=args.seed,
        verbose=1,
    )
    if not several:
        return classifier
    return MultiArtifactClassifier(classifier, encoder=args.encoder, verbose=1)
