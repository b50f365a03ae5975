"""What an agent serves to the school's own network: check-ins, records, classes, health and pages."""

from edge_agent.lan.app import Teaching, lan_app
from edge_agent.lan.server import LanServer

__all__ = ["LanServer", "Teaching", "lan_app"]
