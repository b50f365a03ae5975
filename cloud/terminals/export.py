"""The list of terminals as a table for a spreadsheet."""

from __future__ import annotations

from cloud.sheets.tables import Table

TERMINALS = Table(
    "terminals",
    "终端",
    "Terminals",
    (
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
    ),
)
