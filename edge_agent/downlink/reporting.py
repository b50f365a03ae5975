"""What an agent says of its desired state, and when saying it again is worth a request. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from protocols.desired import DocumentKind, Reported, ReportedDocument, ReportedTerminal, Validity

MAX_REASON_LENGTH = 200


class Standing(NamedTuple):
    """One kind: the token desired, the token in force, and why the first is not the second (or not all of it)."""

    desired: str | None
    held: str | None
    refused: bool = False
    reason: str = ""


def document(kind: DocumentKind, standing: Standing, now_ms: int, missing_bytes: int | None) -> ReportedDocument:
    """Return what is reported of one kind; the token is the one in force, also while another is desired.

    Valid: what is desired holds now. Invalid: it was refused. Unknown: it is not here yet, or not all applied, or, of
    content, nobody knows whether its files are here. `missing_bytes` is of the content in force.
    """
    is_content = kind is DocumentKind.CONTENT
    reason = standing.reason[:MAX_REASON_LENGTH]
    if standing.desired not in (standing.held, None):
        reason = reason or "not fetched yet"
    elif is_content and missing_bytes is None:
        reason = reason or "it is not known whether its files are here"
    broken = Validity.INVALID if standing.refused else Validity.UNKNOWN
    return ReportedDocument(
        kind=kind,
        token=standing.held,
        validity=broken if reason else Validity.VALID,
        reason=reason,
        proved_at_ms=None if reason else now_ms,
        missing_bytes=missing_bytes if is_content else None,
    )


def report(
    agent: str,
    now_ms: int,
    standings: Mapping[DocumentKind, Standing],
    terminals: Sequence[ReportedTerminal],
    erased: Sequence[str],
    missing_bytes: int | None,
) -> Reported:
    """Return the whole report. `missing_bytes` is what the content in force lacks on this machine."""
    return Reported(
        agent=agent,
        at_ms=now_ms,
        documents=[document(kind, standing, now_ms, missing_bytes) for kind, standing in sorted(standings.items())],
        terminals=list(terminals),
        erased=list(erased),
    )


def essence(reported: Reported) -> tuple[object, ...]:
    """Return what somebody would act on: a change of it is worth a report at once.

    Times, batteries and free bytes change with every check-in of 700 terminals; they wait for the next regular report.
    """
    documents = [(one.kind, one.token, one.validity, one.reason, bool(one.missing_bytes)) for one in reported.documents]
    terminals = [
        (
            one.terminal,
            one.present,
            one.holder,
            one.app_version,
            one.content_token,
            one.configuration_token,
            one.roster_token,
        )
        for one in reported.terminals
    ]
    return documents, terminals, reported.erased
