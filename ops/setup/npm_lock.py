"""Make the console's lock what `npm ci` needs and no more.

Addresses of registries and funding pages go; what a package is stays fixed by its version and its integrity hash.
Optional parts that npm listed but could not resolve go too (programs for other systems that a mirror does not carry):
`npm ci` refuses a lock that names them without an entry.
"""

from __future__ import annotations

import json
from pathlib import Path

LOCK = Path(__file__).parents[2] / "cloud" / "console" / "package-lock.json"
ADDRESSES = ("resolved", "funding")


def tidied(text: str) -> str:
    """Return the lock's text without addresses and without unresolved optional parts, in npm's own format."""
    lock = json.loads(text)
    resolved = {path.rpartition("node_modules/")[2] for path in lock["packages"]}
    for package in lock["packages"].values():
        for key in ADDRESSES:
            package.pop(key, None)
        optional = package.get("optionalDependencies")
        if optional is not None:
            package["optionalDependencies"] = {name: value for name, value in optional.items() if name in resolved}
    return json.dumps(lock, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    LOCK.write_text(tidied(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
