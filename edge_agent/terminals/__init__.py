"""Terminals: who is there, decided at the agent from check-ins."""

from edge_agent.terminals.service import Terminals
from edge_agent.terminals.values import CheckIn, CheckInBody, PresenceRules, TooManyTerminals

__all__ = ["CheckIn", "CheckInBody", "PresenceRules", "Terminals", "TooManyTerminals"]
