"""The one error of the embedded services, with what the operator can do about it."""

from __future__ import annotations


class EmbeddedServiceUnavailable(Exception):
    """An embedded service cannot run here.

    `str(error)` is one sentence for people; `hint` says what to do. Commands print both and exit, never a traceback.
    """

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.hint = hint
