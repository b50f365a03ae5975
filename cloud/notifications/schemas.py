"""How notifications look on the API. Addresses are never shown: they hold secrets."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from cloud.http.schemas import Document, Moment, Page


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
