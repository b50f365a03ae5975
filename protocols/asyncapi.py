"""The AsyncAPI 3.0 document of the wire, generated from the message types so that it cannot drift.

`python -m protocols.asyncapi > docs/asyncapi.json` writes it; a test compares the committed file.
Source of the format: AsyncAPI Specification 3.0.0.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from protocols.codec import JSON, MAX_PAYLOAD_BYTES, MSGPACK
from protocols.desired import Nudge
from protocols.events import EVENT_TYPES
from protocols.identity import AGENT_ID_PATTERN
from protocols.receipts import Receipt, Welcome
from protocols.records import PURPOSES
from protocols.segments import WIRE_VERSION, Segment
from protocols.status import Status
from protocols.topics import PREFIX, DownChannel, Lane

_RESERVED = {
    DownChannel.COMMAND: "Commands to one agent. Reserved: no message is defined in this version.",
}
_NUDGES = {
    DownChannel.CONFIG: "Roster, timetable, terminals' targets or erasures changed: ask for the new tokens.",
    DownChannel.CONTENT: "The content to hold changed: ask for the new token.",
}


def document() -> dict[str, Any]:
    """Return the AsyncAPI document as JSON-ready values."""
    _, schemas = msgspec.json.schema_components(
        (Segment, Status, Receipt, Welcome, Nudge), ref_template="#/components/schemas/{name}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Bellwether wire contract",
            "version": f"{WIRE_VERSION}.0.0",
            "description": (
                "MQTT 5, QoS 1. Payloads are MessagePack compressed with zstd, at most "
                f"{MAX_PAYLOAD_BYTES} bytes, marked by the content-type property; "
                "plain JSON of the same schema is accepted. "
                "Event types: "
                + "; ".join(f"{name}: {text}" for name, text in EVENT_TYPES.items())
                + ". Record types: "
                + "; ".join(f"{name}: {text}" for name, text in PURPOSES.items())
                + "."
            ),
        },
        "defaultContentType": MSGPACK,
        "channels": _channels(),
        "operations": _operations(),
        "components": {
            "schemas": schemas,
            "messages": {
                name: {
                    "name": name,
                    "contentType": MSGPACK,
                    "summary": f"Also accepted as {JSON}.",
                    "payload": {"$ref": f"#/components/schemas/{name}"},
                }
                for name in ("Segment", "Status", "Receipt", "Welcome", "Nudge")
            },
        },
    }


def _channels() -> dict[str, Any]:
    channels = {
        "segments": _channel(
            f"{PREFIX}/{{agent}}/up/{{lane}}",
            "Segments of an agent, by lane of urgency.",
            ["Segment"],
            lane={"enum": [lane.value for lane in Lane], "description": "most urgent first"},
        ),
        "status": _channel(f"{PREFIX}/{{agent}}/status", "Birth, heartbeat and will; retained.", ["Status"]),
        "receipts": _channel(
            f"{PREFIX}/{{agent}}/down/{DownChannel.RECEIPT.value}",
            "Receipts after the database commit, and the answer to a birth.",
            ["Receipt", "Welcome"],
        ),
    }
    for down, text in _NUDGES.items():
        channels[f"{down.value}s"] = _channel(f"{PREFIX}/{{agent}}/down/{down.value}", text, ["Nudge"])
    for down, text in _RESERVED.items():
        channels[f"{down.value}s"] = _channel(f"{PREFIX}/{{agent}}/down/{down.value}", text, [])
    return channels


def _channel(address: str, text: str, messages: list[str], **parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "address": address,
        "description": text,
        "parameters": {
            "agent": {"description": f"Agent id, the certificate's common name; matches {AGENT_ID_PATTERN}"},
            **parameters,
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _operations() -> dict[str, Any]:
    return {
        "publishSegments": {"action": "send", "channel": {"$ref": "#/channels/segments"}},
        "publishStatus": {"action": "send", "channel": {"$ref": "#/channels/status"}},
        "receiveReceipts": {"action": "receive", "channel": {"$ref": "#/channels/receipts"}},
        "receiveConfigNudges": {"action": "receive", "channel": {"$ref": "#/channels/configs"}},
        "receiveContentNudges": {"action": "receive", "channel": {"$ref": "#/channels/contents"}},
    }


def render() -> str:
    """Return the document as the committed file holds it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
