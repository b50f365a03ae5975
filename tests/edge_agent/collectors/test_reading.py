"""Events are made of whatever devices, servers and libraries say, and must travel all the same."""

from __future__ import annotations

import pytest

from edge_agent.collectors.reading import Stamp, event
from protocols.events import MAX_TEXT_LENGTH, problem_of
from protocols.samples import Kind


def test_a_text_from_outside_is_cut_to_what_may_travel():
    said = event("device.refused", Kind.DEVICE, "s07-sw01", Stamp(5, 5), reason="no\0 " + "x" * 5000, was="answers")
    assert said.attributes == {"reason": "no " + "x" * (MAX_TEXT_LENGTH - 3), "was": "answers"}
    assert problem_of([said]) is None


def test_an_event_that_is_not_in_the_catalogue_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="unknown event type"):
        event("device.tired", Kind.DEVICE, "s07-sw01", Stamp(5, 5))
