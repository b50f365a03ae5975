"""Records on the wire: every fact travels, nothing unregistered does, and one record has one fingerprint."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codec import DecodeError, decode_segment, encode, encode_checked
from protocols.records import (
    PURPOSES,
    Activity,
    AnyFact,
    Attendance,
    Attended,
    Evidence,
    Grade,
    LessonEvent,
    LessonStep,
    Part,
    Record,
    ResourceView,
    Submission,
    field_problem,
    fingerprint,
)
from protocols.records import Answer as AnswerFact
from protocols.segments import Books, Segment

NOW = 1_795_000_000_000
REFERENCES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
HEX_32 = st.binary(min_size=16, max_size=16).map(bytes.hex)
PARTS = st.lists(
    st.builds(Part, sha256=st.binary(min_size=32, max_size=32).map(bytes.hex), size_bytes=st.integers(0, 2**40)),
    max_size=3,
)
FACTS = st.one_of(
    st.builds(LessonEvent, step=st.sampled_from(LessonStep), object=st.none() | REFERENCES),
    st.builds(Attendance, state=st.sampled_from(Attended)),
    st.builds(AnswerFact, question=REFERENCES, response=TEXTS, attempt=st.integers(1, 9)),
    st.builds(ResourceView, resource=REFERENCES, duration_seconds=st.floats(0, 1e6)),
    st.builds(Submission, assignment=REFERENCES, version=st.integers(1, 9), text=TEXTS, parts=PARTS),
    st.builds(Grade, submission=HEX_32, base_version=st.integers(0, 9), comment=TEXTS),
    st.builds(Evidence, indicator=REFERENCES, value=st.floats(-1e6, 1e6), parts=PARTS),
    st.builds(Activity, activity=REFERENCES, duration_seconds=st.floats(0, 1e6)),
)
RECORDS = st.builds(
    Record,
    record_id=HEX_32,
    observed_at_ms=st.integers(0, 2**52),
    accepted_at_ms=st.just(NOW),
    monotonic_ms=st.just(5),
    subject=REFERENCES,
    fact=FACTS,
)


def segment(*records: Record) -> Segment:
    return Segment(
        agent="s07-gw",
        epoch="0" * 16,
        seq=1,
        low=1,
        boot="b",
        sealed_at_ms=NOW,
        sealed_monotonic_ms=5,
        books=Books(),
        records=list(records),
    )


@given(st.lists(RECORDS, max_size=8))
def test_whatever_record_is_sealed_is_read_back_the_same(records: list[Record]) -> None:
    assert decode_segment(encode_checked(segment(*records))).records == records


@given(RECORDS, st.integers(0, 2**52))
def test_a_fingerprint_is_of_what_the_client_said_alone(record: Record, later: int) -> None:
    taken_elsewhere = msgspec.structs.replace(record, accepted_at_ms=later, monotonic_ms=later)
    assert fingerprint(taken_elsewhere) == fingerprint(record)
    said_otherwise = msgspec.structs.replace(record, subject=f"{record.subject}x")
    assert fingerprint(said_otherwise) != fingerprint(record)


def test_every_type_has_a_purpose() -> None:
    assert sorted(PURPOSES) == sorted(fact.__struct_config__.tag for fact in get_args(AnyFact))


def answer(**changes: Any) -> Record:
    values: dict[str, Any] = {
        "record_id": "0" * 32,
        "observed_at_ms": NOW,
        "accepted_at_ms": NOW,
        "monotonic_ms": 5,
        "subject": "p-1",
        "fact": AnswerFact(question="q-1", response="B"),
    }
    return Record(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"record_id": "G" * 32}, "record_id"),
        ({"subject": None}, "subject"),
        ({"subject": "with space"}, "subject"),
        ({"lesson": ""}, "lesson"),
        ({"fact": AnswerFact(question="?", response="B")}, "fact.question"),
        ({"fact": AnswerFact(question="q", response="\0")}, "fact.response"),
        ({"fact": AnswerFact(question="q", response="B", score=float("nan"))}, "fact.score"),
        ({"fact": Grade(submission="z" * 32, base_version=0)}, "fact.submission"),
        ({"fact": Submission(assignment="a", parts=[Part(sha256="z" * 64, size_bytes=1)])}, "fact.parts[0].sha256"),
    ],
)
def test_what_the_types_let_through_is_refused_by_its_field_and_never_read(changes: Any, field: str) -> None:
    bad = answer(**changes)
    problem = field_problem(bad)
    assert problem is not None
    assert problem[0] == field
    with pytest.raises(DecodeError):
        decode_segment(encode(segment(bad)))
