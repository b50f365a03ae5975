"""SNMP: devices, their ports, and links by their counters. Libraries stay behind `session.py`."""
