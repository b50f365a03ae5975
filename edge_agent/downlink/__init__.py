"""What the centre wants of this agent: signed documents in, a report of what is in force out (`protocols.desired`)."""

from edge_agent.downlink.documents import Documents, Held
from edge_agent.downlink.errors import DocumentRefused

__all__ = ["DocumentRefused", "Documents", "Held"]
