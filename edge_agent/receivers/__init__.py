"""What devices send by themselves: SNMP notifications and syslog, received as events."""

from edge_agent.receivers.books import ReceiverState
from edge_agent.receivers.making import make_receivers
from edge_agent.receivers.receiver import Receiver

__all__ = ["Receiver", "ReceiverState", "make_receivers"]
