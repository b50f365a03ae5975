"""One TOML file per agent, strict; read with `load_config`, or built in code from the same structs."""

from edge_agent.config.effective import effective_toml, effective_values
from edge_agent.config.loading import LoadedConfig, load_config
from edge_agent.config.model import (
    AgentConfig,
    AgentSection,
    CentreSection,
    DeviceSection,
    DnsProbe,
    HostSection,
    HttpProbe,
    IcmpProbe,
    LanSection,
    LinkSection,
    SnmpSection,
    SpoolSection,
    SyslogSection,
    TcpProbe,
    TerminalsSection,
    TrapsSection,
    UplinkSection,
)
from edge_agent.config.problems import ConfigError, Problem
from edge_agent.config.secret import Secret

__all__ = [
    "AgentConfig",
    "AgentSection",
    "CentreSection",
    "ConfigError",
    "DeviceSection",
    "DnsProbe",
    "HostSection",
    "HttpProbe",
    "IcmpProbe",
    "LanSection",
    "LinkSection",
    "LoadedConfig",
    "Problem",
    "Secret",
    "SnmpSection",
    "SpoolSection",
    "SyslogSection",
    "TcpProbe",
    "TerminalsSection",
    "TrapsSection",
    "UplinkSection",
    "effective_toml",
    "effective_values",
    "load_config",
]
