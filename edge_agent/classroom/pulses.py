"""Who waits for news of a class: one future per waiter, no task, woken together."""

from __future__ import annotations

import asyncio
from enum import Enum


class Channel(Enum):
    """What the news is about; `SHOWN` has news whenever the board or the seats do."""

    BOARD = "board"
    SEATS = "seats"
    SHOWN = "shown"
    DESIRED = "desired"


class Pulse:
    """Counts news and wakes whoever waits. Belongs to one event loop."""

    def __init__(self) -> None:
        self.beats = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def beat(self) -> None:
        """There is news."""
        self.beats += 1
        waiting, self._waiting = self._waiting, set()
        for one in waiting:
            if not one.done():
                one.set_result(None)

    async def wait(self, seen_beats: int, seconds: float) -> bool:
        """Return True once there was news after `seen_beats`, or False after so many seconds without."""
        if self.beats != seen_beats:
            return True
        loop = asyncio.get_running_loop()
        news: asyncio.Future[None] = loop.create_future()
        patience = loop.call_later(seconds, _give_up, news)
        self._waiting.add(news)
        try:
            await news
        except TimeoutError:
            return False
        finally:
            patience.cancel()
            self._waiting.discard(news)
        return True

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)


class Pulses:
    """The pulse of each class and channel, made when first asked for."""

    def __init__(self) -> None:
        self._pulses: dict[tuple[str, Channel], Pulse] = {}
        self.closed = False

    def close(self) -> None:
        """Let everybody go who waits: the agent stops."""
        self.closed = True
        self.beat_all()

    def of(self, school_class: str, channel: Channel) -> Pulse:
        """Return one; the class "" is that of terminals that belong to none."""
        return self._pulses.setdefault((school_class, channel), Pulse())

    def beat(self, school_class: str, *channels: Channel) -> None:
        """Tell whoever waits for one of these channels of a class."""
        shown = (Channel.SHOWN,) if Channel.BOARD in channels or Channel.SEATS in channels else ()
        for channel in (*channels, *shown):
            if (pulse := self._pulses.get((school_class, channel))) is not None:
                pulse.beat()

    def beat_all(self) -> None:
        """Tell everybody: time or documents changed."""
        for pulse in self._pulses.values():
            pulse.beat()

    @property
    def waiting(self) -> int:
        """How many wait for anything."""
        return sum(one.waiting for one in self._pulses.values())


def _give_up(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_exception(TimeoutError())
