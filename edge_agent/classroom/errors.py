"""What cannot be done with a class, each with what to do instead."""

from __future__ import annotations

from edge_agent.errors import EdgeError


class UnknownClass(EdgeError):
    """This agent serves no such class."""

    hint = (
        "GET /v1/classes lists the classes of this agent; without a roster, open one: POST /v1/classes/{class}/lesson"
    )


class UnknownQuestion(EdgeError):
    """The class was not asked that question lately."""

    hint = "GET /v1/classes/{class}/board says which question is the newest"


class NotNow(EdgeError):
    """The class is in a state in which this has no meaning."""

    hint = "GET /v1/classes/{class} says what runs now"


class TooManyListeners(EdgeError):
    """As many streams are open as the agent serves."""

    hint = "close pages that nobody looks at, or ask GET /v1/classes/{class}/board now and then instead"
