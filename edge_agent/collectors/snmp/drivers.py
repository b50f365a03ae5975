"""Which SNMP library answers: gufo-snmp where installed, else pysnmp. Imported only when a device is configured."""

from __future__ import annotations

from enum import StrEnum

from edge_agent.collectors.snmp.session import SnmpDriver


class SnmpLibrary(StrEnum):
    """The operator's choice. `auto` takes gufo-snmp, which has native wheels for the common platforms, if it can."""

    AUTO = "auto"
    GUFO = "gufo"
    PYSNMP = "pysnmp"


def open_driver(library: SnmpLibrary = SnmpLibrary.AUTO) -> SnmpDriver:
    """Return the driver of the library wanted.

    Raises:
        ImportError: the library named is not installed.
    """
    if library is not SnmpLibrary.PYSNMP:
        try:
            from edge_agent.collectors.snmp.gufo_session import GufoDriver

            return GufoDriver()
        except ImportError:
            if library is SnmpLibrary.GUFO:
                raise
    from edge_agent.collectors.snmp.pysnmp_session import PysnmpDriver

    return PysnmpDriver()
