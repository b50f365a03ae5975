"""The uplink: carries segments from the spool to the cloud. Edge to cloud only; what comes back are receipts."""

from edge_agent.uplink.errors import NotConnected, UplinkError
from edge_agent.uplink.uplink import Uplink
from edge_agent.uplink.values import Broker, Phase, Speaker, Timing, Tls, UplinkSnapshot

__all__ = ["Broker", "NotConnected", "Phase", "Speaker", "Timing", "Tls", "Uplink", "UplinkError", "UplinkSnapshot"]
