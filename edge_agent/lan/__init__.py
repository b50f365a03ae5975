"""What an agent serves to the school's own network: check-ins, health, status and a page to look at."""

from edge_agent.lan.app import lan_app
from edge_agent.lan.server import LanServer

__all__ = ["LanServer", "lan_app"]
