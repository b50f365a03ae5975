"""What a message says, in its reader's language: what, since when, what it means for lessons, where to look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from cloud.incidents.schemas import IncidentRow
from cloud.notifications.planning import OVER

_STATUS = {
    "up": ("正常", "up"),
    "degraded": ("劣化", "degraded"),
    "down": ("中断", "down"),
    "unreachable": ("不可达", "unreachable"),
    "unknown": ("未知", "unknown"),
    "maintenance": ("维护", "in maintenance"),
    "flapping": ("抖动", "flapping"),
}
_THINGS = {
    "monitor": ("监控", "monitor"),
    "provider": ("运营商", "provider"),
    "link": ("链路", "link"),
    "gateway": ("网关", "gateway"),
    "device": ("设备", "device"),
    "port": ("端口", "port"),
    "classroom": ("教室", "classroom"),
    "terminal": ("终端", "terminal"),
}


def trial(language: str) -> tuple[str, str]:
    """Return title and body of a message that says it is a test."""
    return "Bellwether", "This is a test." if language == "en" else "这是一条测试消息。"


def message(row: IncidentRow, step: str, language: str, zone: ZoneInfo, console_url: str) -> tuple[str, str]:
    """Return title and body of a page, or of the word that it is over."""
    english = language == "en"
    index = 1 if english else 0
    place = (row.school_name_en if english else row.school_name) or ""
    thing = f"{_THINGS[row.root_kind.value][index]} {row.root_key}"
    what = " ".join(part for part in (place, thing) if part)
    status = _STATUS[row.status.value][index]
    since = _clock(row.opened_at, zone)
    if step == OVER:
        lasted = round(((row.resolved_at or row.opened_at) - row.opened_at).total_seconds() / 60)
        title = f"Over: {what}" if english else f"已恢复：{what}"
        lines = [
            f"{lasted} min from {since}; lesson-minutes: {row.lost_minutes:.0f} lost, {row.saved_minutes:.0f} saved."
            if english
            else f"自 {since} 起历时 {lasted} 分；损失 {row.lost_minutes:.0f} 课时分钟，保住 {row.saved_minutes:.0f}。"
        ]
    else:
        word = row.severity.value.upper()
        title = f"{word} {what} {status}"
        lines = [
            f"Since {since} ({row.reason})" if english else f"自 {since} 起（{row.reason}）",
            _lessons(row, english=english),
        ]
        if row.members:
            lines.append(f"{row.members} things behind it." if english else f"其后牵连 {row.members} 项。")
    return title, "\n".join([*lines, *_where(row, console_url)])


def digest(rows: Sequence[IncidentRow], language: str, zone: ZoneInfo, console_url: str) -> tuple[str, str]:
    """Return title and body of a digest: a line for each incident."""
    english = language == "en"
    index = 1 if english else 0
    title = f"Digest: {len(rows)} incidents" if english else f"汇总：{len(rows)} 起故障"
    lines = [
        f"{_clock(row.opened_at, zone)} {row.severity.value.upper()} "
        f"{_THINGS[row.root_kind.value][index]} {row.root_key} {_STATUS[row.status.value][index]}"
        + ("" if row.resolved_at is None else (", over" if english else "，已恢复"))
        for row in rows
    ]
    return title, "\n".join([*lines, *([f"{console_url}/incidents?state=all"] if console_url else [])])


def _lessons(row: IncidentRow, *, english: bool) -> str:
    if row.lessons_now:
        return (
            f"{row.lessons_now} lessons with {row.students_now} students now, {row.saved_now} go on from the cache."
            if english
            else f"此刻影响 {row.lessons_now} 节课、{row.students_now} 名学生，其中 {row.saved_now} 节靠缓存继续。"
        )
    if row.lessons_next:
        return (
            f"{row.lessons_next} lessons within the hour." if english else f"一小时内将影响 {row.lessons_next} 节课。"
        )
    return "No lesson now." if english else "此刻没有课受影响。"


def _where(row: IncidentRow, console_url: str) -> list[str]:
    return [f"{console_url}/incidents/{row.incident_id}"] if console_url else [f"#{row.incident_id}"]


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}"
