"""A month as a table for a spreadsheet."""

from __future__ import annotations

from cloud.reports.schemas import AvailabilityReport
from cloud.sheets.tables import Table

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


def table(report: AvailabilityReport) -> Table:
    """Return what a month's report is written as: providers first, then every line."""
    month = report.month
    return Table(f"availability-{month}", f"可用率 {month}", f"Availability {month}", _COLUMNS)
