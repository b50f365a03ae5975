"""Records as a signed webhook, in the manner of Standard Webhooks (standardwebhooks.com, version 1). Pure.

The request is `POST` with a JSON body `{"type": "bellwether.records", "feed": …, "records": […]}` and the headers

- `webhook-id`: names the message; the same records sent again have the same id and the same body;
- `webhook-timestamp`: seconds since 1970 of this attempt; refuse what is older than a few minutes;
- `webhook-signature`: `v1,` and the Base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`.

A record is the whole envelope around its `fact`. Of its times `observed_at` is the app's clock, `accepted_at` the
agent's, `corrected_at` that one on the centre's clock, `made_at` the best that is known of when it happened,
`received_at` when the centre had it. A receiver tells a repeated record by its `record_id`, whatever message it comes
in.

The key is the secret's UTF-8 bytes, or of a secret `whsec_…` the bytes whose Base64 follows.

A body `{"type": "bellwether.erased", "feed": …, "record_ids": […]}` asks the receiver to erase what it has of these
records, as was done here; ids that it never met are to be passed over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import msgspec

from cloud.feeds.models import Feed, Message
from cloud.records.consuming import StoredRecord

PREFIX = "whsec_"
MIN_KEY_BYTES = 24


def message(feed: Feed, records: Sequence[StoredRecord], now_seconds: int) -> Message:
    """Return the request that tells records."""
    return _signed(feed, {"type": "bellwether.records", "records": [_said(record) for record in records]}, now_seconds)


def erasure(feed: Feed, record_ids: Sequence[str], now_seconds: int) -> Message:
    """Return the request that tells which records are to be erased."""
    return _signed(feed, {"type": "bellwether.erased", "record_ids": record_ids}, now_seconds)


def _signed(feed: Feed, document: dict[str, Any], now_seconds: int) -> Message:
    body = msgspec.json.encode(document | {"feed": feed.feed})
    message_id = f"msg_{hashlib.sha256(body).hexdigest()[:32]}"
    signed = b"%s.%d.%s" % (message_id.encode(), now_seconds, body)
    signature = base64.b64encode(hmac.digest(signing_key(feed.secret), signed, "sha256")).decode()
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(now_seconds),
        "webhook-signature": f"v1,{signature}",
    }
    return Message(feed.url, headers, body)


def signing_key(secret: str) -> bytes:
    """Return the key that a secret stands for.

    Raises:
        ValueError: it is too short, or not Base64 after `whsec_`.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else None
    except binascii.Error:
        raise ValueError(f"is not Base64 after {PREFIX}") from None
    key = secret.encode() if key is None else key
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"has {len(key)} bytes; at least {MIN_KEY_BYTES} are needed")
    return key


def _said(record: StoredRecord) -> dict[str, Any]:
    return {
        "record_id": record.record_id,
        "type": record.type,
        "school": record.school,
        "school_class": record.school_class,
        "lesson": record.lesson,
        "subject": record.subject,
        "terminal": record.terminal,
        "agent": record.agent,
        "observed_at": record.observed_at,
        "accepted_at": record.accepted_at,
        "corrected_at": record.corrected_at,
        "made_at": record.made_at,
        "received_at": record.received_at,
        "fact": record.fact,
    }
