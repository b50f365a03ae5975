"""Feeds as people order and see them. A secret goes in and never comes out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cloud.http.schemas import Document, Moment, Page

MOST_WAITING = 10_000
"""Waiting records are counted up to here."""


class FeedOrder(Document):
    """A receiver to be told records."""

    feed: str = Field(max_length=63, examples=["district-lrs"])
    """Its name: lower case letters, digits and hyphens."""
    url: str = Field(max_length=500, examples=["https://lrs.example/xapi"])
    """http or https address; for `xapi` the part before `/statements`."""
    format: str = Field(default="webhook", max_length=20, examples=["webhook", "xapi"])
    """`webhook` (signed JSON) or `xapi` (statements, 1.0.3)."""
    secret: str = Field(max_length=500, repr=False)
    """For `webhook` the key, of at least 24 bytes or `whsec_` and its Base64; for `xapi` `user:password` (Basic) or a
    bearer token."""
    types: list[str] = Field(default=[], max_length=32, examples=[["answer", "submission"]])
    """Record types it is told; empty: all."""
    school: str | None = Field(default=None, max_length=63, examples=["s07"])
    """Only records that came from agents of this school; null: all."""
    home_page: str = Field(default="https://bellwether.example", max_length=200)
    """Under which address accounts, verbs and things are named in xAPI statements."""
    from_beginning: bool = False
    """Begin with the oldest record that is kept; else with what is stored from now on."""


class FeedRow(Document):
    """A feed and how it is."""

    feed: str = Field(examples=["district-lrs"])
    """Its name."""
    format: Literal["webhook", "xapi"]
    """How records are told."""
    url: str = Field(examples=["https://lrs.example/xapi"])
    """Where to; a query is not shown."""
    home_page: str
    """Under which address things are named in xAPI statements."""
    types: list[str] = Field(examples=[["answer"]])
    """Record types it is told."""
    school: str | None
    """Only records of this school; null: all."""
    state: Literal["running", "paused"]
    """`paused` keeps its place and is told nothing."""
    place: int = Field(examples=[12_840])
    """Its cursor: of all stored records in their order, the last that was taken, refused, or is none of its own."""
    delivered: int
    """Records that the receiver took, repeated ones with each time that counted."""
    waiting: int
    """Records that it has still to be told; 10000 means that many or more."""
    oldest_waiting_at: Moment | None
    """When the first of them arrived at the centre; null when none waits."""
    oldest_waiting_seconds: float | None = Field(examples=[3.2])
    """How long that one has been at the centre; null when none waits."""
    refused: int
    """Records that the receiver would not take; kept, and sent again when asked."""
    erasures_waiting: int
    """Records erased here that the receiver has still to be told to erase."""
    erasures_refused: int
    """Such records of which it would not hear; told again when asked."""
    failures: int
    """Attempts in a row that failed; 0 when the last one did not."""
    problem: str | None = Field(examples=["http_503"])
    """What the last attempt met: `http_…`, `no_connection`, `timeout`, `connection_lost`; null when all is well."""
    retry_at: Moment | None
    """When it is tried again; null when nothing has failed."""
    last_tried_at: Moment | None
    """When it was last tried with no success or some; null before the first time."""
    last_delivered_at: Moment | None
    """When the receiver last took something; null before the first time."""
    created_at: Moment
    """When it was registered."""


class FeedList(Document):
    """Every feed, by name."""

    items: list[FeedRow]
    """The feeds."""


class FeedRefusal(Document):
    """A record that a receiver would not take."""

    record_id: str
    """The record."""
    reason: str = Field(examples=["http_422"])
    """What the receiver answered; `unreadable` when this version cannot read the stored record."""
    refused_at: Moment
    """When it last refused."""
    tries: int
    """How often it refused, as often as it was asked anew."""
    again: bool
    """Whether it is about to be sent once more."""


class FeedRefusalList(Page):
    """Records that a receiver would not take, newest first."""

    items: list[FeedRefusal]
    """The records of this page."""


class FeedRetried(Document):
    """What is being sent once more."""

    records: int
    """Refused records."""
    erasures: int
    """Refused erasures."""
