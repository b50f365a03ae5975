"""What can be wrong with what the centre sends, in the operator's words."""

from __future__ import annotations

from typing import ClassVar

from edge_agent.errors import EdgeError, Retry


class DocumentRefused(EdgeError):
    """A document that this agent must not follow; the one that it holds stays in force."""


class WrongSignature(DocumentRefused):
    """The document was not signed with the centre's key, or was changed on its way."""

    hint: ClassVar[str] = (
        "compare [centre] public_key with the key that the centre shows; if they agree, look into the way"
    )


class UnreadableDocument(DocumentRefused):
    """The payload is no document of this wire version."""

    hint: ClassVar[str] = "the centre speaks another version: update the agent, or the centre"


class MisdirectedDocument(DocumentRefused):
    """The document is another agent's, or its body is not of the kind that it says."""

    hint: ClassVar[str] = "look at [agent] id and at what answers under [centre] url"


class OlderDocument(DocumentRefused):
    """The document has a lower serial than the one held: an old one, replayed or from a restored backup."""

    hint: ClassVar[str] = (
        "nothing is to be done if it ends by itself; after a restore of the centre's database, change the document"
    )


class DocumentsUnwritable(EdgeError):
    """The disk does not take a document."""

    retry: ClassVar[Retry] = Retry.BACKOFF
    hint: ClassVar[str] = "free disk space, and check that data_dir is writable for the agent's user"


class CentreAway(EdgeError):
    """The centre does not answer, or not as it should; it is asked again."""

    retry: ClassVar[Retry] = Retry.BACKOFF
    hint: ClassVar[str] = "nothing is to be done: what is held stays in force, and the centre is asked again"


class CentreRefuses(CentreAway):
    """The centre does not let this agent in, or does not know it."""

    retry: ClassVar[Retry] = Retry.MAX_BACKOFF
    hint: ClassVar[str] = "compare [agent] id and [centre] url and token with what the centre has for this agent"
