"""Registers feeds: everything that is wrong with an order is said at once."""

from __future__ import annotations

import re

import httpx
import psycopg

from cloud.db.pool import Pool
from cloud.errors import FeedExists, FeedRefused
from cloud.feeds import repository, webhook
from cloud.feeds.models import MAX_BATCH_RECORDS, Format
from cloud.feeds.schemas import FeedOrder
from cloud.http.schemas import FieldProblem
from cloud.records.consuming import horizon
from protocols.records import PURPOSES

MIN_TOKEN_CHARACTERS = 16
"""So that a user without its password is not taken for a bearer token."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


async def add(pool: Pool, order: FeedOrder) -> None:
    """Register a feed: from the first record that is kept, or from now on.

    Raises:
        FeedRefused: with every problem.
        FeedExists: the name is taken.
        psycopg.OperationalError: a storing transaction does not end, so nobody can say where now is.
    """
    problems = problems_of(order)
    async with pool.connection() as connection:
        if order.school is not None and not await repository.school_known(connection, order.school):
            problems.append(FieldProblem(field="school", detail=f"there is no school {order.school!r}"))
    if problems:
        raise FeedRefused(problems=[(problem.field, problem.detail, problem.allowed) for problem in problems])
    place = 0
    if not order.from_beginning:
        now = await horizon(pool)
        if now is None:
            raise psycopg.OperationalError("records are being stored by a transaction that does not end")
        place = now
    async with pool.connection() as connection, connection.transaction():
        values = order.model_dump(exclude={"from_beginning"}) | {
            "types": sorted(set(order.types)) or sorted(PURPOSES),
            "place": place,
            "batch_records": MAX_BATCH_RECORDS,
        }
        if not await repository.add(connection, values):
            raise FeedExists(f"there is a feed {order.feed!r} already")


def problems_of(order: FeedOrder) -> list[FieldProblem]:
    """Return everything that is wrong with an order but its school. Pure."""
    problems = []
    if _NAME.fullmatch(order.feed) is None:
        problems.append(FieldProblem(field="feed", detail="must be lower case letters, digits and hyphens, at most 63"))
    for field, url in (("url", order.url), ("home_page", order.home_page)):
        if (detail := _url_problem(url)) is not None:
            problems.append(FieldProblem(field=field, detail=detail))
    if unknown := sorted(set(order.types) - set(PURPOSES)):
        problems.append(FieldProblem(field="types", detail=f"unknown: {', '.join(unknown)}", allowed=list(PURPOSES)))
    if order.format not in set(Format):
        problems.append(FieldProblem(field="format", detail=f"unknown format {order.format!r}", allowed=list(Format)))
    elif (detail := _secret_problem(Format(order.format), order.secret)) is not None:
        problems.append(FieldProblem(field="secret", detail=detail))
    return problems


def _url_problem(url: str) -> str | None:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "is not a URL"
    if (
        parts.scheme not in ("http", "https")
        or not parts.host
        or (parts.port is not None and not 0 < parts.port < 65_536)
    ):
        return "must be an http or https URL"
    if parts.userinfo:
        return "must hold no user and password: they would be shown; give them as the secret"
    if not url.isascii() or not url.isprintable() or " " in url or parts.fragment:
        return "must be plain ASCII, without spaces and fragment"
    return None


def _secret_problem(format_: Format, secret: str) -> str | None:
    """Return what is wrong with a secret, without saying it."""
    if not secret.isprintable():
        return "holds characters that cannot be typed"
    if format_ is Format.XAPI:
        user, colon, password = secret.partition(":")
        if colon:
            return None if user and password else "must be user:password, as the receiver knows it"
        token = len(secret) >= MIN_TOKEN_CHARACTERS and secret.isascii() and " " not in secret
        return (
            None if token else f"must be user:password, or a bearer token of at least {MIN_TOKEN_CHARACTERS} characters"
        )
    try:
        webhook.signing_key(secret)
    except ValueError as error:
        return str(error)
    return None
