"""Topology: the declared tree beside what the agents see by LLDP, and where the two differ."""
