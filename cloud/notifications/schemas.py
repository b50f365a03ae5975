"""How notifications look on the API. Addresses are never shown: they hold secrets."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field

from cloud.http.schemas import Document, Moment, Page
from cloud.incidents.models import Severity


class DeliveryState(StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"


class DeliveryRow(Document):
    """One message to one contact."""

    delivery_id: int
    """Its number."""
    incident_id: int | None
    """The incident that it tells of; null for a digest."""
    step: str = Field(examples=["page 1"])
    """Step of the escalation, `over`, or `digest` with its time."""
    contact: str = Field(examples=["duty"])
    """Who is told."""
    title: str = Field(examples=["P1 第七小学 链路 s07-wan 中断"])
    """What it says first."""
    state: DeliveryState
    """Waiting, sent, or given up."""
    attempts: int
    """How often it was tried."""
    problem: str | None = Field(examples=["not taken by feishu"])
    """What went wrong last; null when nothing did."""
    planned_at: Moment
    """When it became due."""
    sent_at: Moment | None
    """When the receiver took it; null while it has not."""
    next_try_at: Moment
    """When it is tried next, if it still waits."""


class DeliveryList(Page):
    """Deliveries, newest first."""

    items: list[DeliveryRow]
    """This page of them."""


class PlanState(StrEnum):
    """Whether people are told at all."""

    NONE = "none"
    READY = "ready"
    REFUSED = "refused"


class DutyTurn(Document):
    """Days on which one contact is on duty."""

    contact: str = Field(examples=["first"])
    """Who."""
    first: date
    """From this day on, by the district's calendar."""
    last: date
    """Until this day, included."""


class RotaDuty(Document):
    """A rota with its turns from today on."""

    name: str = Field(examples=["network"])
    """Its name."""
    turns: list[DutyTurn]
    """The turn that holds today, and those after it for four weeks."""


class PlanContact(Document):
    """Somebody who can be told."""

    name: str = Field(examples=["first"])
    """Their name in the file."""
    channels: list[str] = Field(examples=[["feishu", "mailto"]])
    """Kinds of channel, in the order tried."""
    language: str = Field(examples=["zh-CN"])
    """The language they are told in."""
    quiet_from: str | None = Field(examples=["22:00"])
    """When their quiet hours begin; null for none."""
    quiet_until: str | None = Field(examples=["06:30"])
    """When their quiet hours end."""
    quiet_lets: list[Severity]
    """Severities that are told in quiet hours all the same."""


class PlanStep(Document):
    """Whom to tell when nobody took note for so long."""

    after_minutes: int
    """How long after the incident opened."""
    who: list[str] = Field(examples=[["rota:network"]])
    """Contacts by name, rotas as `rota:name`."""


class PlanPolicy(Document):
    """The steps for incidents of some severities."""

    severities: list[Severity]
    """Which."""
    steps: list[PlanStep]
    """In the order they come."""


class PlanDigest(Document):
    """When the rest is told in one message."""

    at: list[str] = Field(examples=[["07:00", "17:30"]])
    """Times of day."""
    who: list[str]
    """Contacts by name, rotas as `rota:name`."""


class NotificationPlan(Document):
    """What the file of notifications says, without its addresses."""

    state: PlanState
    """None configured, ready, or refused because of its problems."""
    problems: list[str]
    """What is wrong with the file, each with its key and an example."""
    rotas: list[RotaDuty]
    """Who is on duty."""
    policies: list[PlanPolicy]
    """Who is told when."""
    digest: PlanDigest | None
    """The digest; null for none."""
    contacts: list[PlanContact]
    """Everybody who can be told."""


class Trial(Document):
    """What became of a message that says it is a test."""

    contact: str
    """Who was told."""
    taken: bool
    """Whether one of the channels took it."""
    problem: str | None = Field(examples=["not taken by feishu"])
    """What went wrong; null when nothing did."""
