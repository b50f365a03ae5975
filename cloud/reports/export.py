"""A month as a table for a spreadsheet, with headings in either language."""

from __future__ import annotations

from cloud.reports.schemas import AvailabilityReport, AvailabilityRow
from cloud.sheets.writing import Cell

_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("link", "链路", "Link"),
    ("school_name", "学校", "School"),
    ("provider", "运营商", "Provider"),
    ("contracted_bps", "合同带宽（bit/s）", "Contracted (bit/s)"),
    ("availability_ratio", "可用率（0–1）", "Availability (0–1)"),
    ("up_seconds", "正常（秒）", "Up (s)"),
    ("down_seconds", "中断（秒）", "Down (s)"),
    ("unknown_seconds", "不明（秒）", "Unknown (s)"),
    ("maintenance_seconds", "维护（秒）", "Maintenance (s)"),
    ("outages", "中断次数", "Outages"),
    ("longest_seconds", "最长中断（秒）", "Longest outage (s)"),
    ("lost_minutes", "损失课时分钟", "Lesson-minutes lost"),
    ("saved_minutes", "保住课时分钟", "Lesson-minutes saved"),
)


def title(report: AvailabilityReport, *, english: bool) -> str:
    """Return what the sheet is called."""
    return f"Availability {report.month}" if english else f"可用率 {report.month}"


def headings(*, english: bool) -> list[str]:
    """Return the first row."""
    return [en if english else zh for _, zh, en in _COLUMNS]


def cells(row: AvailabilityRow, *, english: bool) -> list[Cell]:
    """Return one line's row, in the order of the headings."""
    names = [f"{name}_en" if english and name == "school_name" else name for name, _, _ in _COLUMNS]
    return [getattr(row, name) for name in names]
