"""Which fault explains the others: provider, line, gateway, switch by switch down to the room. Pure.

A thing is called down only when what it hangs on has been looked at since and works; behind something that is out it is
unreachable, and names the cause. What hangs on several things is out only when all of them are. Nothing is remembered:
every evaluation decides anew, so children move to a parent that is found out later, and stand on their own again when
it is back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from cloud.status.models import DeviceEvidence, Judgement, Settled, StatusKind, StatusWord, Thing

OUT = frozenset({StatusWord.DOWN, StatusWord.UNREACHABLE})
DEVICE_FRESH = timedelta(seconds=200)
"""Devices are polled every minute; what is older than three polls says nothing about now."""
TOGETHER = timedelta(minutes=2)
"""Lines that fail within this time of each other fail together."""
PROVIDER_LEAST = 3
PROVIDER_SHARE = 1 / 3
"""So many lines of a provider, and such a share of them, failing together are one outage of the provider."""


def cause(thing: Thing, settled: Settled) -> Thing:
    """Return what explains a thing that is out: its root, or itself."""
    return settled.root or thing


def judge_providers(lines: Mapping[str, Sequence[tuple[str, Settled]]]) -> dict[str, Judgement]:
    """Return what the settled statuses of its lines say about every provider.

    An outage that has been told lasts until less than half of its least share is out.
    """
    found = {}
    for provider, of_provider in lines.items():
        down = sorted(
            (settled.since, link)
            for link, settled in of_provider
            if StatusWord.DOWN in (settled.status, settled.beneath) and settled.beneath is not StatusWord.UP
        )
        least = max(PROVIDER_LEAST, round(len(of_provider) * PROVIDER_SHARE))
        told = any(settled.root == Thing(StatusKind.PROVIDER, provider) for _, settled in of_provider)
        is_out = 2 * len(down) >= least if told else _together(down) >= least
        evidence = {"lines_down": len(down), "lines": len(of_provider), "first": down[0][1] if down else None}
        if is_out:
            found[provider] = Judgement(StatusWord.DOWN, "provider_outage", evidence)
        elif all(settled.status is StatusWord.UNKNOWN for _, settled in of_provider):
            found[provider] = Judgement(StatusWord.UNKNOWN, "no_fresh_evidence", evidence, silent=True)
        else:
            found[provider] = Judgement(StatusWord.UP, "lines_work", evidence)
    return found


def _together(down: Sequence[tuple[datetime, str]]) -> int:
    """Return the largest number of lines that failed within `TOGETHER` of each other."""
    most = first = 0
    for last, (since, _) in enumerate(down):
        while since - down[first][0] > TOGETHER:
            first += 1
        most = max(most, last - first + 1)
    return most


def parents_first(devices: Iterable[DeviceEvidence]) -> list[DeviceEvidence]:
    """Return devices so that each comes after what it hangs on; a ring is broken where it is entered."""
    by_key = {device.device: device for device in devices}
    ordered: dict[str, DeviceEvidence] = {}
    under_way: set[str] = set()

    def add(device: DeviceEvidence) -> None:
        if device.device in ordered or device.device in under_way:
            return
        under_way.add(device.device)
        for parent in device.parents:
            if parent in by_key:
                add(by_key[parent])
        ordered[device.device] = device

    for device in by_key.values():
        add(device)
    return list(ordered.values())


def judge_device(
    device: DeviceEvidence,
    poller: tuple[Thing, Settled] | None,
    parents: Sequence[tuple[DeviceEvidence, Settled | None]],
    now: datetime,
) -> Judgement | None:
    """Return what its answers, its poller's status and its parents say about a device; None when it is too early.

    A device that was never looked at has no status.
    """
    if device.looked_at is None:
        return None
    if poller is not None and poller[1].status in OUT:
        return Judgement(StatusWord.UNREACHABLE, "behind_gateway", silent=True, root=cause(*poller))
    if poller is not None and poller[1].status is StatusWord.UNKNOWN:
        return Judgement(StatusWord.UNKNOWN, "gateway_unknown", silent=True, root=cause(*poller))
    evidence = {"looked_at": device.looked_at.isoformat(timespec="milliseconds"), "reachable": device.reachable}
    if now - device.looked_at > DEVICE_FRESH:
        if poller is not None and now - poller[1].since < DEVICE_FRESH:
            return None  # its gateway has just come back and will look at it
        return Judgement(StatusWord.UNKNOWN, "no_fresh_evidence", evidence, silent=True)
    if device.reachable:
        return Judgement(StatusWord.UP, "answers", evidence)
    known = [(parent, settled) for parent, settled in parents if settled is not None]
    if known and all(settled.status in OUT for _, settled in known):
        parent, settled = known[0]
        root = cause(Thing(StatusKind.DEVICE, parent.device), settled)
        return Judgement(StatusWord.UNREACHABLE, "behind_device", evidence, root=root)
    for parent, settled in known:
        # A parent may have died with it: wait until it was looked at since, and until its own silence is judged.
        fresh = parent.looked_at is not None and now - DEVICE_FRESH <= parent.looked_at
        unjudged = parent.reachable is False and settled.status not in OUT
        if fresh and (unjudged or (parent.looked_at is not None and parent.looked_at < device.looked_at)):
            return None
    return Judgement(StatusWord.DOWN, "no_answer", evidence)
