"""Hands a message to Apprise, which knows how to speak to every channel. The one place that does."""

from __future__ import annotations

import asyncio

import apprise

from cloud.notifications.models import Contact


async def send(contact: Contact, title: str, body: str) -> str | None:
    """Send to every channel of a contact; return what went wrong, None when one of them took it.

    Channels are named by their scheme alone: the rest of an address may be a secret.
    """
    failed = []
    for url in contact.urls:
        channel = apprise.Apprise()
        if channel.add(url) and await asyncio.to_thread(_notify, channel, title, body):
            return None
        failed.append(url.partition(":")[0])
    return f"not taken by {', '.join(failed)}"


def _notify(channel: apprise.Apprise, title: str, body: str) -> bool:
    return bool(channel.notify(body=body, title=title))
