"""Read a demo's summary (`bellwether demo --json`) from stdin, print it, and exit 1 unless its books close.

They close when items were stored and every item is accounted for: stored, still held, thinned with a count or
quarantined; none lost.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def problems(summary: dict[str, Any]) -> list[str]:
    """Return what is wrong with the books."""
    ledger = summary["ledger"]
    found = []
    if ledger["stored"] <= 0:
        found.append("nothing was stored")
    if ledger["lost"] != 0:
        found.append(f"{ledger['lost']} items are lost")
    if ledger.get("duplicated", 0) != 0:
        found.append(f"{ledger['duplicated']} items are stored twice")
    return found


def main() -> int:
    """Print and judge."""
    text = sys.stdin.read()
    sys.stdout.write(text)
    found = problems(json.loads(text)) if text.strip() else ["the demo ended without a summary"]
    sys.stderr.write("".join(f"soak: {problem}\n" for problem in found) or "soak: the books close\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
