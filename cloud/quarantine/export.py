"""The list of quarantine as a table for a spreadsheet."""

from __future__ import annotations

from cloud.sheets.tables import Table

QUARANTINE = Table(
    "quarantine",
    "隔离区",
    "Quarantine",
    (
        ("id", "编号", "Number"),
        ("agent", "代理", "Agent"),
        ("lane", "通道", "Lane"),
        ("reason", "原因", "Reason"),
        ("detail", "详情", "Detail"),
        ("items", "条目", "Items"),
        ("size_bytes", "大小（字节）", "Size (bytes)"),
        ("arrivals", "到达次数", "Arrivals"),
        ("received_at", "首次收到", "First received"),
        ("last_received_at", "最近收到", "Last received"),
        ("state", "进展", "State"),
        ("outcome", "重放结果", "Outcome of replay"),
    ),
)
