"""`python -m ops.setup demo|test`: make the machine ready, say what is missing, exit 1 only where nothing could run."""

from __future__ import annotations

import sys

from ops.embedded.errors import EmbeddedServiceUnavailable
from ops.setup.system import DEMO_PARTS, TEST_PARTS, prepare


def main(purpose: str) -> int:
    """Prepare for a purpose and return the exit code."""
    try:
        prepare(TEST_PARTS if purpose == "test" else DEMO_PARTS, say)
    except EmbeddedServiceUnavailable as error:
        say(f"error: {error}\nhint: {error.hint}")
        return 1
    return 0


def say(message: str) -> None:
    """Tell the operator something on stderr."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "demo"))
