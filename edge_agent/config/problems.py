"""What can be wrong with a config: every problem with its file, key, reason and the example of a right value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from edge_agent.errors import EdgeError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. `example` is TOML as it would stand in the file, or empty when words say it all."""

    key: str
    reason: str
    example: str = ""

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}" + (f" (for example: {self.example})" if self.example else "")


class ConfigError(EdgeError):
    """A config that cannot be used, with all its problems at once."""

    hint = "put right what is listed, then: bellwether agent check-config --config FILE"
    exit_code: ClassVar[int] = 2

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "".join(f"\n  {file}: {problem}" for problem in self.problems)
        super().__init__(f"{count} in {file}:{lines}")
