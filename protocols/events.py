"""Events: something changed, said once, never thinned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite
from typing import Annotated

from msgspec import Meta, Struct

from protocols.identity import Milliseconds, ThingKey
from protocols.samples import Kind

EVENT_TYPES: dict[str, str] = {
    "agent.started": "the agent's process started",
    "agent.stopped": "the agent's process stopped on request",
    "agent.epoch_restarted": "the spool was found to be an old copy; a new epoch was begun",
    "spool.pressure": "the spool passed 70, 85 or 95 % of its budget, or fell back below",
    "spool.thinned": "raw samples were replaced by five-minute aggregates, or dropped, for want of disk",
    "spool.damaged": "a segment failed its checksum and was set aside",
    "counter.reset": "a device's counters started anew; no rate was derived over the gap",
    "counter.implausible": "a rate above the port's speed was seen; the raw counters are in the attributes",
    "counter.refused": "32-bit counters only, at a speed where they wrap between polls",
    "counter.clock_drift": "the device's sysUpTime and the poller's clock disagree by more than 5 %",
    "port.changed": "ifOperStatus or ifAdminStatus changed",
    "neighbours.read": "a device's neighbours were read by LLDP or CDP: whole, changed, or once a day still the same",
    "neighbour.seen": "a neighbour stands at a port, anew or changed",
    "neighbour.gone": "a neighbour no longer stands at a port",
    "device.unreachable": "a device stopped answering",
    "device.reachable": "a device answers again",
    "device.refused": "a device refuses the credentials",
    "probe.changed": "an active check changed between success and failure",
    "terminal.present": "a terminal checked in after an absence",
    "terminal.absent": "a terminal missed its check-ins",
    "trap.cold_start": "a device sent coldStart: it started, its configuration may have changed",
    "trap.warm_start": "a device sent warmStart: it started with its configuration unchanged",
    "trap.link_down": "a device sent linkDown for a port",
    "trap.link_up": "a device sent linkUp for a port",
    "trap.authentication_failure": "a device sent authenticationFailure: somebody asked it with wrong credentials",
    "trap.ups_on_battery": "a UPS runs on its battery (RFC 1628)",
    "trap.ups_condition": "a condition of a UPS began or ended (RFC 1628)",
    "trap.poe_port": "a port began or ceased to deliver power (RFC 3621)",
    "trap.poe_usage": "a switch's power for terminals passed its threshold, or fell back (RFC 3621)",
    "trap.received": "a notification that has no words of ours, with its OID and varbinds",
    "trap.thinned": "notifications that came too fast to be told one by one",
    "trap.refused": "messages to the trap port that could not be read or were not to be believed",
    "log.received": "a device's syslog message",
    "log.thinned": "syslog messages that came too fast to be told one by one",
    "log.refused": "messages to the syslog port that could not be read",
    "clock.stepped": "the edge's wall clock jumped against its monotonic clock",
}
"""Every event type, with what it says; the agent sends no other and the console has words for each."""

_HEX = re.compile(r"[0-9a-f]*")
_TYPE = re.compile(r"[a-z_]+\.[a-z_]+")

MAX_TEXT_LENGTH = 1024
"""Characters of an attribute's text: events are listed by the hundred, none of them may be a megabyte."""

AttributeValue = Annotated[str, Meta(max_length=MAX_TEXT_LENGTH)] | int | float | bool | None


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One change of one thing. `event_id` is made at the edge and names the event for ever."""

    event_id: Annotated[str, Meta(min_length=32, max_length=32, extra_json_schema={"pattern": "^[0-9a-f]{32}$"})]
    type: Annotated[str, Meta(max_length=64, extra_json_schema={"pattern": r"^[a-z_]+\.[a-z_]+$"})]
    kind: Kind
    thing: ThingKey
    observed_at_ms: Milliseconds
    monotonic_ms: Milliseconds
    attributes: dict[Annotated[str, Meta(max_length=64)], AttributeValue] = {}


def problem_of(events: Sequence[Event]) -> str | None:
    """Return what is wrong with the first bad event that its types cannot say, or None.

    A NUL in a text, a number that is none, an id or type out of its pattern. The patterns are looked at here for all
    events together: as a rule of the type, one expression a field, they cost as much as all the rest of decoding.
    """
    if _HEX.fullmatch("".join([one.event_id for one in events])) is None:
        return next(f"event id {one.event_id!r} is not hex" for one in events if not _HEX.fullmatch(one.event_id))
    for name in {one.type for one in events}:
        if _TYPE.fullmatch(name) is None:
            return f"event type {name!r} is no type"
    for event in events:
        if (problem := _problem_of_values(event)) is not None:
            return f"event {event.event_id} {problem}"
    return None


def _problem_of_values(event: Event) -> str | None:
    if "\0" in event.thing:
        return "holds a NUL character"
    for name, value in event.attributes.items():
        if "\0" in name or (isinstance(value, str) and "\0" in value):
            return "holds a NUL character"
        if isinstance(value, float) and not isfinite(value):
            return f"holds {value}, which JSON cannot say"
    return None
