"""Who holds which terminal, by what terminals say of themselves; the last word counts. Pure."""

from __future__ import annotations

MOST_TERMINALS = 8192


class Holders:
    """Persons and terminals, both ways. A person who takes a second device is at that one."""

    def __init__(self) -> None:
        self._person_at: dict[str, str] = {}
        self._terminal_of: dict[str, str] = {}

    def heard(self, terminal: str, person: str | None) -> str | None:
        """Take over what a terminal says; return who held it before, when that is somebody else."""
        before = self._person_at.get(terminal)
        if person is None:
            return None
        if len(self._person_at) >= MOST_TERMINALS and terminal not in self._person_at:
            oldest = next(iter(self._person_at))
            self._drop(oldest)
        if before is not None and before != person:
            self._drop(terminal)
        self._person_at[terminal] = person
        self._terminal_of[person] = terminal
        return before if before != person else None

    def person_at(self, terminal: str) -> str | None:
        """Return who holds a terminal."""
        return self._person_at.get(terminal)

    def terminal_of(self, person: str) -> str | None:
        """Return the terminal that a person holds."""
        return self._terminal_of.get(person)

    def _drop(self, terminal: str) -> None:
        person = self._person_at.pop(terminal)
        if self._terminal_of.get(person) == terminal:
            del self._terminal_of[person]
