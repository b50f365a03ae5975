"""The class on the LAN: which lesson runs, the open question and its answers, who is there, what is locked."""

from edge_agent.classroom.service import Classrooms

__all__ = ["Classrooms"]
