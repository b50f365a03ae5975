"""Changes of a class as server-sent events: `class`, `board`, and `time` when there is nothing to say.

A change is sent at once, and what follows within `COALESCE_SECONDS` together, so fifty answers in a second are a
handful of events. Each event is the whole state, so a listener that was away has missed nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from edge_agent.classroom.errors import TooManyListeners, UnknownClass
from edge_agent.classroom.pulses import Channel
from edge_agent.classroom.service import Classrooms
from edge_agent.classroom.viewing import Viewing

COALESCE_SECONDS = 0.15
HEARTBEAT_SECONDS = 5.0
MOST_LISTENERS = 64

_encoder = msgspec.json.Encoder()


class ClassStreams:
    """The open streams of one agent."""

    def __init__(self, classrooms: Classrooms, viewing: Viewing) -> None:
        self._rooms = classrooms
        self._viewing = viewing
        self.listeners = 0

    def open(self, school_class: str) -> AsyncIterator[bytes]:
        """Return the events of a class, for ever, beginning with its whole state.

        Raises:
            TooManyListeners.
        """
        if self.listeners >= MOST_LISTENERS:
            raise TooManyListeners(f"{self.listeners} streams are open, more are not served")
        return self._events(school_class)

    async def _events(self, school_class: str) -> AsyncIterator[bytes]:
        self.listeners += 1
        pulses = self._rooms.pulses
        shown, seats, board = (pulses.of(school_class, one) for one in (Channel.SHOWN, Channel.SEATS, Channel.BOARD))
        loop = asyncio.get_running_loop()
        sent_seats = sent_board = -1
        try:
            yield b"retry: 1000\n\n"
            while self._serving():
                beats, began = shown.beats, loop.time()
                if sent_seats != seats.beats:
                    sent_seats = seats.beats
                    yield _event("class", self._viewing.state(school_class))
                if sent_board != board.beats:
                    sent_board = board.beats
                    yield _event("board", self._viewing.board(school_class))
                while self._serving() and not await shown.wait(beats, HEARTBEAT_SECONDS):
                    yield _event("time", {"at_ms": self._rooms.now_ms()})
                await asyncio.sleep(max(0.0, COALESCE_SECONDS - (loop.time() - began)))
        except UnknownClass:
            return  # the roster does not name it any more; the listener asks again and is told so
        finally:
            self.listeners -= 1

    def _serving(self) -> bool:
        return not self._rooms.pulses.closed


def _event(name: str, body: object) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + _encoder.encode(body) + b"\n\n"
