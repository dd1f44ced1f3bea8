"""Where a report's numbers come from."""

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "briqa_sk",
    "torch",
    "skorch",
    "scikit-learn",
    "imbalanced-learn",
    "monai",
    "nibabel",
    "numpy",
)


def software_versions():
    """Return the versions of Python and of the packages that shape a result.

    Returns
    -------
    versions : dict of str to str
        Name -> version; packages that are not installed are left out.

    Examples
    --------
    >>> sorted(software_versions())[0]
    'Python'
    """
    versions = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
