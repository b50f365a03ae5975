"""The list of incidents as a table for a spreadsheet."""

from __future__ import annotations

from cloud.sheets.tables import Table

INCIDENTS = Table(
    "incidents",
    "故障",
    "Incidents",
    (
        ("incident_id", "编号", "Number"),
        ("severity", "级别", "Severity"),
        ("kind", "种类", "Kind"),
        ("state", "进展", "State"),
        ("root_kind", "故障对象种类", "Kind of thing at fault"),
        ("root_key", "故障对象", "Thing at fault"),
        ("school", "学校编号", "School id"),
        ("school_name", "学校", "School"),
        ("provider", "运营商", "Provider"),
        ("status", "状态", "Status"),
        ("reason", "原因", "Reason"),
        ("opened_at", "开始", "Began"),
        ("resolved_at", "结束", "Over"),
        ("members", "受其影响的对象", "Things behind it"),
        ("lessons_hit", "受影响的课", "Lessons hit"),
        ("students_hit", "受影响的学生", "Students hit"),
        ("lost_minutes", "损失课时分钟", "Lesson-minutes lost"),
        ("saved_minutes", "保住课时分钟", "Lesson-minutes saved"),
        ("unknown_minutes", "不明课时分钟", "Lesson-minutes unknown"),
        ("acknowledged_at", "确认", "Acknowledged"),
        ("acknowledged_by", "确认人", "Acknowledged by"),
        ("assignee", "处理人", "Assignee"),
    ),
)
