"""The lists of links and of schools as tables for a spreadsheet."""

from __future__ import annotations

from cloud.sheets.tables import Table

LINKS = Table(
    "links",
    "链路",
    "Links",
    (
        ("link", "链路", "Link"),
        ("name", "名称", "Name"),
        ("school", "学校编号", "School id"),
        ("school_name", "学校", "School"),
        ("provider", "运营商", "Provider"),
        ("status", "状态", "Status"),
        ("since", "自", "Since"),
        ("contracted_bps", "签约速率（bit/s）", "Contracted (bit/s)"),
        ("in_bps", "入校（bit/s）", "To school (bit/s)"),
        ("out_bps", "出校（bit/s）", "From school (bit/s)"),
        ("utilisation_ratio", "利用率（0–1）", "Utilisation (0–1)"),
        ("loss_ratio", "丢包率（0–1）", "Loss (0–1)"),
        ("rtt_seconds", "时延（秒）", "Latency (s)"),
        ("jitter_seconds", "抖动（秒）", "Jitter (s)"),
        ("school_end.device", "学校端设备", "Device at the school"),
        ("school_end.port", "学校端端口", "Port at the school"),
        ("centre_end.device", "中心端设备", "Device at the centre"),
        ("centre_end.port", "中心端端口", "Port at the centre"),
        ("observed_at", "最新样本", "Newest sample"),
    ),
)
SCHOOLS = Table(
    "schools",
    "学校",
    "Schools",
    (
        ("school", "学校编号", "School id"),
        ("name", "学校", "School"),
        ("stage", "学段", "Stage"),
        ("link", "链路", "Link"),
        ("link_status", "链路状态", "Link status"),
        ("gateway", "网关", "Gateway"),
        ("gateway_status", "网关状态", "Gateway status"),
        ("classrooms.up", "教室正常", "Classrooms up"),
        ("classrooms.degraded", "教室劣化", "Classrooms degraded"),
        ("classrooms.down", "教室中断", "Classrooms down"),
        ("classrooms.unreachable", "教室不可达", "Classrooms unreachable"),
        ("classrooms.unknown", "教室未知", "Classrooms unknown"),
        ("terminals.up", "终端正常", "Terminals up"),
        ("terminals.down", "终端不在", "Terminals absent"),
        ("terminals.unreachable", "终端不可达", "Terminals unreachable"),
        ("terminals.unknown", "终端未知", "Terminals unknown"),
    ),
)
