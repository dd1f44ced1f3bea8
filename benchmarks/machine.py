"""What a benchmark ran on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("briqa_sk", "torch", "skorch", "scikit-learn", "nibabel", "numpy")


def describe_machine(packages=PACKAGES):
    """Return the processor and the versions, one line each."""
    return (
        f"machine: {_cpu_model()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}\n"
        "versions: " + ", ".join(f"{p} {_installed(p)}" for p in packages)
    )


def _cpu_model():
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [s.split(":")[1].strip() for s in lines if s.startswith("model name")]
    return names[0] if names else platform.processor()


def _installed(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
