"""An honest report of graded scans: numbers first, then pixels."""

from briqa_sk.reporting.baseline import forest_baseline
from briqa_sk.reporting.html import GradedScan, write_report
from briqa_sk.reporting.provenance import software_versions
from briqa_sk.reporting.summary import summarize_grades

__all__ = [
    "GradedScan",
    "forest_baseline",
    "software_versions",
    "summarize_grades",
    "write_report",
]
