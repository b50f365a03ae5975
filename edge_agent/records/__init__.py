"""Classroom records on their way into the spool: checked, recognised when they come again, committed."""

from edge_agent.records.intake import Intake, RecordConflict
from edge_agent.records.values import Taken

__all__ = ["Intake", "RecordConflict", "Taken"]
