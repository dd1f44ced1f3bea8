"""What briqa_sk raises and warns beyond ValueError and TypeError."""

#: What can be wrong with a scan: the closed list of findings, each with its meaning.
FINDINGS = {
    "missing": "no file at this path",
    "unreadable": "the file or its header cannot be read",
    "empty": "the file holds no bytes",
    "annex_pointer": "a git-annex or Git LFS pointer stands in for the scan",
    "not_an_image": "not a NIfTI or MGH image",
    "truncated": "the file ends before the image does",
    "checksum": "the compressed bytes are damaged",
    "too_large": "more voxels than the limit allows",
    "wrong_dimensions": "not one 3-D volume",
    "colour_image": "several colour or complex components per voxel",
    "bad_affine": "voxel positions in the head are not defined",
    "non_finite": "NaN or infinite voxels",
    "constant": "every voxel has the same value",
}


class BriqaError(Exception):
    """Base class of the errors that briqa_sk defines."""


class UnreadableVolumeError(BriqaError):
    """A scan that cannot become a volume, and why.

    Parameters
    ----------
    message : str
        One sentence for a person.
    path : str or os.PathLike
        The file.
    finding : str
        A key of :data:`FINDINGS`, for a program.
    detail : str, default=""
        What exactly was found, e.g. ``"shape (64, 64, 30, 200)"``.
    """

    def __init__(self, message, *, path, finding, detail=""):
        if finding not in FINDINGS:
            raise ValueError(
                f"UnreadableVolumeError: finding must be one of {sorted(FINDINGS)}, "
                f"got {finding!r}."
            )
        super().__init__(message)
        self.path = path
        self.finding = finding
        self.detail = detail

    def __reduce__(self):
        # Keyword-only arguments are lost by Exception's own __reduce__, and joblib
        # workers send errors home as pickles.
        return _rebuild_unreadable, (str(self), self.path, self.finding, self.detail)


def _rebuild_unreadable(message, path, finding, detail):
    return UnreadableVolumeError(message, path=path, finding=finding, detail=detail)


class UnsafeModelError(BriqaError):
    """A model file that holds something a model file must not hold."""


class BriqaWarning(UserWarning):
    """Something the caller should know that does not stop the work."""
