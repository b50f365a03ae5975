"""The district's own map: a GeoJSON file that the configuration names. Nothing is fetched from anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cloud.http.problems import ProblemError

MAX_BYTES = 8 * 1024 * 1024
"""A district's outline and its towns are a few hundred kilobytes; more would keep every browser waiting."""


def read(path: str) -> dict[str, Any]:
    """Return the map.

    Raises:
        ProblemError: 503 when the file is no GeoJSON that can be drawn.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ValueError(f"is larger than {MAX_BYTES // 1024**2} MB")
        found = json.loads(file.read_text("utf-8"))
        if not isinstance(found, dict) or found.get("type") != "FeatureCollection":
            raise ValueError("is no GeoJSON FeatureCollection")
    except (OSError, ValueError) as error:
        raise ProblemError(
            503, "map-unusable", detail=f"{path}: {error}", hint="Correct [district] map_file in cloud.toml."
        ) from error
    return found
