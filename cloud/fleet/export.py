"""The list of agents as a table for a spreadsheet."""

from __future__ import annotations

from cloud.sheets.tables import Table

AGENTS = Table(
    "agents",
    "代理",
    "Agents",
    (
        ("agent", "代理", "Agent"),
        ("role", "角色", "Role"),
        ("school", "学校编号", "School id"),
        ("school_name", "学校", "School"),
        ("classroom", "教室编号", "Classroom id"),
        ("presence", "在线", "Presence"),
        ("status", "状态", "Status"),
        ("since", "自", "Since"),
        ("last_seen_at", "最近听到", "Last heard"),
        ("lag_seconds", "滞后（秒）", "Lag (s)"),
        ("held_segments", "待传段", "Segments held"),
        ("held_items", "待传条目", "Items held"),
        ("held_bytes", "待传（字节）", "Held (bytes)"),
        ("skew_seconds", "时钟偏差（秒）", "Clock offset (s)"),
        ("software", "软件", "Software"),
    ),
)
