"""Packaging of briqa_sk. Tool settings live in tox.ini and ruff.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.+)"', (HERE / "briqa_sk" / "_version.py").read_text()
)[1]
PEERS = ["torchio>=1.2"]
TEST = ["pytest>=8", "pytest-cov>=5"]

setup(
    name="briqa_sk",
    version=VERSION,
    description="Automatic quality assessment of MRI with scikit-learn estimators",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The briqa_sk developers",
    license="BSD-3-Clause",
    license_files=["LICENSE"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Intended Audience :: Healthcare Industry",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Medical Science Apps.",
    ],
    keywords=["MRI", "quality control", "artifacts", "scikit-learn", "skorch"],
    packages=find_packages(include=["briqa_sk", "briqa_sk.*"]),
    package_data={"briqa_sk.reporting": ["templates/*"]},
    python_requires=">=3.10",
    install_requires=[
        "imbalanced-learn>=0.13",
        "jinja2>=3.1",
        "joblib>=1.3",
        "matplotlib>=3.8",
        "monai>=1.5",
        "nibabel>=5.2",
        "numpy>=1.26",
        "pandas>=2.1",
        "safetensors>=0.4",
        "scikit-learn>=1.6",
        "scipy>=1.11",
        "skorch>=1.1",
        "torch>=2.4.1",
        "tqdm>=4.65",
    ],
    extras_require={
        "bench": PEERS,
        "dicom": ["pydicom>=2.4"],
        "distributed": ["dask[distributed]>=2024.1"],
        "docs": [
            "numpydoc>=1.7",
            "pydata-sphinx-theme>=0.15",
            "sphinx>=7.3",
            "sphinx-gallery>=0.18",
        ],
        "fast": ["isal>=1.6"],
        "test": TEST,
    },
    entry_points={"console_scripts": ["briqa-sk = briqa_sk.cli:main"]},
)
