"""A small district that is given a past: what existed, what it was and what was said of it, at moments of the test."""

from __future__ import annotations

from datetime import datetime

import psycopg

from cloud.db import connect
from cloud.inventory import repository as inventory
from cloud.timemachine import repository
from tests.cloud.district import SmallDistrict


def inventory_kept(district: SmallDistrict, at: datetime) -> None:
    """Note the inventory as an import does at a moment."""
    with psycopg.connect(district.dsn) as connection, connection.cursor() as cursor:
        inventory.keep_history(cursor, at)


async def letters_noted(district: SmallDistrict, at: datetime) -> int:
    """Note what is said of terminals at a moment; return of how many agents."""
    async with await connect(district.dsn, name="test") as connection:
        return await repository.note_letters(connection, at)


def retired(district: SmallDistrict, classroom: str, at: datetime) -> None:
    """Let a classroom leave the inventory with its agent and its terminals."""
    for table, column in (("terminals", "agent"), ("agents", "agent"), ("classrooms", "classroom")):
        district.execute(f"UPDATE {table} SET retired_at = %s WHERE {column} = %s", at, classroom)
    inventory_kept(district, at)


def returned(district: SmallDistrict, classroom: str, at: datetime) -> None:
    """Let a classroom come back with its agent and its terminals."""
    for table, column in (("terminals", "agent"), ("agents", "agent"), ("classrooms", "classroom")):
        district.execute(f"UPDATE {table} SET retired_at = NULL WHERE {column} = %s", classroom)
    inventory_kept(district, at)
