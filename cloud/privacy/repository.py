"""Takes orders to erase."""

from __future__ import annotations

import secrets

import psycopg

from cloud.privacy.erasing import QUERIES
from cloud.privacy.schemas import ErasureOrder


async def order(connection: psycopg.AsyncConnection, wanted: ErasureOrder, ordered_by: str) -> str:
    """Keep an order; return its id. It is carried out within seconds by the services process."""
    erasure = secrets.token_hex(16)
    await connection.execute(
        QUERIES["order_erasure"],
        {
            "erasure": erasure,
            "person": wanted.person,
            "records": wanted.records,
            "reason": wanted.reason,
            "ordered_by": ordered_by,
        },
    )
    return erasure
