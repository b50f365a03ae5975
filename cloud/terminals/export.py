"""The list of terminals as a table for a spreadsheet, with headings in either language."""

from __future__ import annotations

from cloud.sheets.writing import Cell
from cloud.terminals.schemas import TerminalRow

_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("terminal", "终端", "Terminal"),
    ("school", "学校编号", "School id"),
    ("school_name", "学校", "School"),
    ("classroom", "教室编号", "Classroom id"),
    ("classroom_name", "教室", "Classroom"),
    ("owner", "使用者", "Owner"),
    ("model", "型号", "Model"),
    ("agent", "代理", "Agent"),
    ("status", "状态", "Status"),
    ("seen_at", "最近签到", "Last seen"),
    ("battery_ratio", "电量（0–1）", "Battery (0–1)"),
    ("charging", "充电中", "Charging"),
    ("storage_free_bytes", "剩余存储（字节）", "Free storage (bytes)"),
    ("wifi_rssi_dbm", "信号（dBm）", "Signal (dBm)"),
    ("app_version", "应用版本", "App version"),
    ("desired_app_version", "目标应用版本", "Desired app version"),
    ("sync", "同步", "In sync"),
    ("missing_bytes", "未下载内容（字节）", "Missing content (bytes)"),
    ("unsent", "未上交记录", "Records not handed in"),
)
_ENGLISH = {"school_name": "school_name_en", "classroom_name": "classroom_name_en"}


def title(*, english: bool) -> str:
    """Return what the sheet is called."""
    return "Terminals" if english else "终端"


def headings(*, english: bool) -> list[str]:
    """Return the first row."""
    return [en if english else zh for _, zh, en in _COLUMNS]


def cells(row: TerminalRow, *, english: bool) -> list[Cell]:
    """Return one terminal's row, in the order of the headings."""
    return [getattr(row, _ENGLISH.get(name, name) if english else name) for name, _, _ in _COLUMNS]
