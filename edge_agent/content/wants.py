"""What is wanted of this machine, and how much of it is here. Pure; what is lacking is the cache's to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from protocols.content import Content, Manifest
from protocols.desired import content_token
from protocols.records import Part

Lack = Callable[[Part], int | None]
"""Says how many bytes of a blob are not here, None when it is whole and verified; at least 1 while it is not."""


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether a manifest's blobs are all here."""

    manifest: str
    token: str
    ready: bool
    missing_bytes: int


class Listed(Struct, frozen=True, kw_only=True):
    """What a class needs: the token to report once all of it is held, and whether this agent has it already."""

    content_token: str | None
    manifests: list[Manifest]
    ready: bool
    missing_bytes: int


class Wants:
    """The manifests of one document; None is that nobody said yet what is wanted."""

    def __init__(self, content: Content | None, lack: Lack) -> None:
        self.known = content is not None
        self._manifests: Sequence[Manifest] = [] if content is None else content.manifests
        self._lack = lack
        self._blobs = {one.blob.sha256: one.blob for each in self._manifests for one in each.resources}

    def __contains__(self, sha256: str) -> bool:
        """Tell whether a blob is wanted."""
        return sha256 in self._blobs

    def in_order(self) -> list[Part]:
        """Return every blob once, the most urgent first."""
        order = sorted(self._manifests, key=lambda one: (one.before_ms is None, one.before_ms or 0))
        return list({one.blob.sha256: one.blob for each in order for one in each.resources}.values())

    def missing_bytes(self) -> int:
        """Return what is lacking of all of it."""
        return sum(self._lack(blob) or 0 for blob in self._blobs.values())

    def readiness(self) -> list[Readiness]:
        """Return how every manifest stands."""
        return [self._readiness(one) for one in self._manifests]

    def listed(self, school_class: str | None) -> Listed:
        """Return what a class needs, or everything, and how much of it is here."""
        manifests = [
            one for one in self._manifests if school_class is None or not one.classes or school_class in one.classes
        ]
        states = [self._readiness(one) for one in manifests]
        return Listed(
            content_token=content_token([one.token for one in manifests]) if manifests else None,
            manifests=manifests,
            ready=self.known and all(one.ready for one in states),
            missing_bytes=sum(one.missing_bytes for one in states),
        )

    def _readiness(self, manifest: Manifest) -> Readiness:
        lacking = [self._lack(one.blob) for one in manifest.resources]
        return Readiness(
            manifest=manifest.manifest,
            token=manifest.token,
            ready=all(one is None for one in lacking),
            missing_bytes=sum(one or 0 for one in lacking),
        )
