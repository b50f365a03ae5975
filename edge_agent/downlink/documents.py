"""The newest document of each kind that the centre signed for this agent: in memory, and on disk for a cut line.

Invariants:

1. Nothing is held that was not verified: Ed25519 over `SIGNED_PREFIX` and the payload with the configured key, this
   agent's id, a body of the kind that it says. Files are verified again when they are read.
2. The serial of a kind never goes down while its file is readable, so an old document that is replayed does nothing.
3. A document is on disk before anybody is told of it; a death in mid-write leaves the one before.

Layout: `<folder>/<kind>.sealed`, the `SignedDocument` as MessagePack, sealed with the agent's own key, because rosters
are about pupils. A file that cannot be read or verified is reported, set aside as `<kind>.damaged`, and its kind counts
as not held, so that it is fetched again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from edge_agent.cipher import Cipher
from edge_agent.downlink.errors import (
    DocumentsUnwritable,
    MisdirectedDocument,
    OlderDocument,
    UnreadableDocument,
    WrongSignature,
)
from edge_agent.durable import replace_durably
from edge_agent.errors import EdgeError, Retry
from protocols.desired import SIGNED_PREFIX, Body, Document, DocumentKind, SignedDocument, token_of

FOLDER = "desired"

log = structlog.get_logger(__name__)
_payload_decoder = msgspec.json.Decoder(Document)
_file_decoder = msgspec.msgpack.Decoder(SignedDocument)
_file_encoder = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class Held:
    """A verified document with its token."""

    token: str
    document: Document


class Documents:
    """Desired state of one agent. `load` reads the disk; until then nothing is held.

    `load`, `verify` and `store` work on the disk and with big payloads and may run in a thread, one at a time;
    everything else belongs to the event loop and is quick.
    """

    def __init__(self, folder: Path, *, agent: str, public_key: bytes, cipher: Cipher) -> None:
        """Take the folder, the agent's id and the centre's raw public key (32 bytes)."""
        # Imported here: an agent without a centre does without cryptography's megabytes.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        self._folder = folder
        self._agent = agent
        self._key = Ed25519PublicKey.from_public_bytes(public_key)
        self._cipher = cipher
        self._held: dict[DocumentKind, Held] = {}
        self._listeners: list[Callable[[DocumentKind], None]] = []

    def body(self, kind: DocumentKind) -> Body | None:
        """Return what is desired, or None when the centre never said."""
        held = self._held.get(kind)
        return None if held is None else held.document.body

    def token(self, kind: DocumentKind) -> str | None:
        """Return the token of the document held."""
        held = self._held.get(kind)
        return None if held is None else held.token

    def document(self, kind: DocumentKind) -> Document | None:
        """Return the document held, with its serial and time."""
        held = self._held.get(kind)
        return None if held is None else held.document

    def on_change(self, callback: Callable[[DocumentKind], None]) -> None:
        """Have `callback` called, on the event loop, after a document of that kind was replaced; it must not block."""
        self._listeners.append(callback)

    def load(self) -> None:
        """Read the files. One that is damaged, or was signed with another key, is set aside and counts as not held."""
        for kind in DocumentKind:
            path = self._path(kind)
            try:
                sealed = path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                log.error("desired_document_unreadable", agent=self._agent, kind=kind.value, reason=str(error))
                continue
            try:
                held = self.verify(_file_decoder.decode(self._cipher.open(sealed)))
                if held.document.kind is not kind:
                    raise MisdirectedDocument(f"the file of {kind.value} holds {held.document.kind.value}")
            except (EdgeError, msgspec.DecodeError) as error:
                if isinstance(error, EdgeError) and error.retry is not Retry.NEVER:
                    log.error("desired_document_not_opened", agent=self._agent, kind=kind.value, reason=str(error))
                    continue
                log.error("desired_document_damaged", agent=self._agent, kind=kind.value, reason=str(error))
                self._set_aside(path)
                continue
            self._held[kind] = held

    def accept(self, signed: SignedDocument) -> None:
        """Take a document: verified, stored, in force, told to those who asked. The one that is held changes nothing.

        Raises:
            DocumentRefused: it is not to be followed; the subclass and its text say why. DocumentsUnwritable.
        """
        held = self.verify(signed)
        if self.token(held.document.kind) != held.token:
            self.store(signed, held)
            self.put_in_force(held)

    def verify(self, signed: SignedDocument) -> Held:
        """Return the document of a signed one if this agent may follow it.

        Raises:
            WrongSignature, UnreadableDocument, MisdirectedDocument, OlderDocument.
        """
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(signed.signature, SIGNED_PREFIX + signed.payload)
        except InvalidSignature:
            raise WrongSignature(
                f"a document signed by key {signed.key_id!r} does not verify with this agent's [centre] public_key"
            ) from None
        try:
            document = _payload_decoder.decode(signed.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UnreadableDocument(f"a signed document cannot be read: {error}") from error
        if document.agent != self._agent:
            raise MisdirectedDocument(f"a {document.kind.value} document is agent {document.agent!r}'s")
        if (says := document.body.__struct_config__.tag) != document.kind.value:
            raise MisdirectedDocument(f"a {document.kind.value} document has a body of {says}")
        before = self._held.get(document.kind)
        if before is not None and document.serial < before.document.serial:
            raise OlderDocument(
                f"a {document.kind.value} document has serial {document.serial}, held is {before.document.serial}"
            )
        return Held(token_of(signed.payload), document)

    def store(self, signed: SignedDocument, held: Held) -> None:
        """Put a verified document on disk in place of the one before.

        Raises:
            DocumentsUnwritable: the one before is still there.
        """
        path = self._path(held.document.kind)
        try:
            self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            replace_durably(path, self._cipher.seal(_file_encoder.encode(signed)))
        except (OSError, EdgeError) as error:
            raise DocumentsUnwritable(f"the {held.document.kind.value} document cannot be kept: {error}") from error

    def put_in_force(self, held: Held) -> None:
        """Hold a stored document and tell of it."""
        kind = held.document.kind
        self._held[kind] = held
        log.info("desired_document_taken", agent=self._agent, kind=kind.value, serial=held.document.serial)
        for listener in self._listeners:
            listener(kind)

    def _path(self, kind: DocumentKind) -> Path:
        return self._folder / f"{kind.value}.sealed"

    def _set_aside(self, path: Path) -> None:
        try:
            path.replace(path.with_suffix(".damaged"))
        except OSError as error:
            log.warning("desired_document_not_set_aside", agent=self._agent, file=str(path), reason=str(error))
