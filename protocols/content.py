"""What should be on an agent before the lesson: manifests of resources, each resource one blob named by its SHA-256."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from protocols.identity import Milliseconds
from protocols.records import Part, Reference, ShortText

CHUNK_BYTES = 256 * 1024
"""The grain of a resumable transfer: what is missing is asked for in ranges of whole chunks."""
MAX_BLOB_BYTES = 8 * 2**30


class Resource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One file under the name that people and records know it by."""

    resource: Reference
    title: ShortText
    blob: Part


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One push: resources that classes need by a moment. No classes means every class of the school.

    `token` changes whenever the resources do; a terminal that holds all of them reports it.
    """

    manifest: Reference
    token: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    title: ShortText
    resources: list[Resource]
    classes: list[Reference] = []
    before_ms: Milliseconds | None = None


class Content(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="content"):
    """Every manifest that an agent should hold, most urgent first."""

    manifests: list[Manifest]
