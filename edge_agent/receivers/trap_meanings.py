"""What the known notifications say, as events; any other is told with its OID and varbinds. Pure.

RFC 3418 (coldStart, warmStart, authenticationFailure), RFC 2863 (linkDown, linkUp), RFC 1628 (UPS), RFC 3621 (PoE).
"""

from __future__ import annotations

from collections.abc import Callable

from edge_agent.collectors.snmp.oids import IF_ADMIN_STATUS, IF_DESCR, IF_NAME, IF_OPER_STATUS
from edge_agent.collectors.snmp.ports import text
from edge_agent.collectors.snmp.session import Value
from edge_agent.receivers.values import Meaning, Trap
from protocols.events import AttributeValue

SNMP_TRAPS = "1.3.6.1.6.3.1.1.5"
IF_INDEX = "1.3.6.1.2.1.2.2.1.1"
UPS = "1.3.6.1.2.1.33"
UPS_MINUTES_REMAINING = f"{UPS}.1.2.3"
UPS_SECONDS_ON_BATTERY = f"{UPS}.1.2.2"
UPS_ALARM_DESCR = f"{UPS}.1.6.2.1.2"
UPS_WELL_KNOWN_ALARMS = f"{UPS}.1.6.3"
POE = "1.3.6.1.2.1.105"
POE_DETECTION_STATUS = f"{POE}.1.1.1.6"
POE_CONSUMPTION_POWER = f"{POE}.1.3.1.1.4"

VARBINDS_LENGTH = 600
TEXT_LENGTH = 120

UPS_CONDITIONS = (
    "battery_bad", "on_battery", "low_battery", "depleted_battery", "temperature_bad", "input_bad", "output_bad",
    "output_overload", "on_bypass", "bypass_bad", "output_off_as_requested", "ups_off_as_requested", "charger_failed",
    "output_off", "system_off", "fan_failure", "fuse_failure", "general_fault", "test_failed", "communications_lost",
    "awaiting_power", "shutdown_pending", "shutdown_imminent", "test_in_progress",
)  # fmt: skip
"""upsWellKnownAlarms (RFC 1628) by number, from 1."""
POE_STATUS = {1: "disabled", 2: "searching", 3: "delivering", 4: "fault", 5: "test", 6: "other_fault"}

PortName = Callable[[int], str | None]
"""From a device's ifIndex to the port's name, as the last poll found it."""


def meaning_of(trap: Trap, port_name: PortName) -> Meaning:
    """Return what a notification says."""
    read = _KNOWN.get(trap.oid)
    return _unknown(trap) if read is None else read(trap, port_name)


def _plain(event: str) -> Callable[[Trap, PortName], Meaning]:
    return lambda _trap, _port_name: Meaning(event)


def _link(event: str) -> Callable[[Trap, PortName], Meaning]:
    def read(trap: Trap, port_name: PortName) -> Meaning:
        if_index = _number(trap, IF_INDEX)
        said = text(_value(trap, IF_NAME)) or text(_value(trap, IF_DESCR))
        port = (None if if_index is None else port_name(if_index)) or said[:TEXT_LENGTH] or None
        attributes: dict[str, AttributeValue] = {"if_index": if_index}
        for name, column in (("admin_up", IF_ADMIN_STATUS), ("oper_up", IF_OPER_STATUS)):
            status = _number(trap, column)
            attributes[name] = None if status is None else status == 1
        return Meaning(event, attributes, port)

    return read


def _on_battery(trap: Trap, _port_name: PortName) -> Meaning:
    minutes = _number(trap, UPS_MINUTES_REMAINING)
    return Meaning(
        "trap.ups_on_battery",
        {
            "on_battery_seconds": _number(trap, UPS_SECONDS_ON_BATTERY),
            "remaining_seconds": None if minutes is None else minutes * 60,
        },
    )


def _ups_condition(begins: bool) -> Callable[[Trap, PortName], Meaning]:
    def read(trap: Trap, _port_name: PortName) -> Meaning:
        said = str(_value(trap, UPS_ALARM_DESCR) or "")
        number = said.removeprefix(f"{UPS_WELL_KNOWN_ALARMS}.")
        known = number != said and number.isdecimal() and 1 <= int(number) <= len(UPS_CONDITIONS)
        condition = UPS_CONDITIONS[int(number) - 1] if known else said[:TEXT_LENGTH]
        return Meaning("trap.ups_condition", {"condition": condition, "begins": begins})

    return read


def _poe_port(trap: Trap, _port_name: PortName) -> Meaning:
    found = _row(trap, POE_DETECTION_STATUS)
    group, _, port = (found[0] if found else "").partition(".")
    status = found[1] if found else None
    return Meaning(
        "trap.poe_port",
        {
            "group": int(group) if group.isdecimal() else None,
            "poe_port": int(port) if port.isdecimal() else None,
            "status": POE_STATUS.get(status, str(status)) if isinstance(status, int) else None,
        },
    )


def _poe_usage(begins: bool) -> Callable[[Trap, PortName], Meaning]:
    return lambda trap, _port_name: Meaning(
        "trap.poe_usage", {"power_watts": _number(trap, POE_CONSUMPTION_POWER), "begins": begins}
    )


def _unknown(trap: Trap) -> Meaning:
    said = ", ".join(f"{oid} = {_shown(value)}" for oid, value in trap.varbinds)
    if len(said) > VARBINDS_LENGTH:
        said = said[: VARBINDS_LENGTH - 1] + "…"
    return Meaning("trap.received", {"oid": trap.oid[:TEXT_LENGTH], "varbinds": said}, notable=False)


_KNOWN: dict[str, Callable[[Trap, PortName], Meaning]] = {
    f"{SNMP_TRAPS}.1": _plain("trap.cold_start"),
    f"{SNMP_TRAPS}.2": _plain("trap.warm_start"),
    f"{SNMP_TRAPS}.3": _link("trap.link_down"),
    f"{SNMP_TRAPS}.4": _link("trap.link_up"),
    f"{SNMP_TRAPS}.5": _plain("trap.authentication_failure"),
    f"{UPS}.2.1": _on_battery,
    f"{UPS}.2.0.1": _on_battery,  # as an SNMPv1 trap reads (RFC 3584 §3.1)
    f"{UPS}.2.3": _ups_condition(begins=True),
    f"{UPS}.2.0.3": _ups_condition(begins=True),
    f"{UPS}.2.4": _ups_condition(begins=False),
    f"{UPS}.2.0.4": _ups_condition(begins=False),
    f"{POE}.0.1": _poe_port,
    f"{POE}.0.2": _poe_usage(begins=True),
    f"{POE}.0.3": _poe_usage(begins=False),
}


def _row(trap: Trap, column: str) -> tuple[str, Value | None] | None:
    """Return index and value of the first varbind of a column."""
    return next(((oid[len(column) + 1 :], value) for oid, value in trap.varbinds if oid.startswith(f"{column}.")), None)


def _value(trap: Trap, column: str) -> Value | None:
    found = _row(trap, column)
    return None if found is None else found[1]


def _number(trap: Trap, column: str) -> int | None:
    value = _value(trap, column)
    return value if isinstance(value, int) else None


def _shown(value: Value | None) -> str:
    if isinstance(value, bytes):
        return (text(value) if b"\0" not in value else f"0x{value.hex()}")[:TEXT_LENGTH]
    return "" if value is None else str(value)
