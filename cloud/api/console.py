"""Serves the built console: hashed assets for ever, all else afresh, unknown paths as the page, which routes itself."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from cloud.http.problems import ProblemError

DIST = Path(__file__).parents[1] / "console" / "dist"

_IMMUTABLE = "public, max-age=31536000, immutable"
_RESERVED = ("api", "metrics", "healthz", "readyz", "openapi.json")
_MISSING = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>Bellwether</title></head>
<body style="font-family: sans-serif; max-width: 40em; margin: 4em auto; line-height: 1.6">
<h1>控制台尚未构建 · The console has not been built</h1>
<p>接口运行正常，但浏览器页面还不存在。请在项目目录运行 <code>make console</code>。</p>
<p>The API is running, but there are no pages yet. Run <code>make console</code> in the project's folder.</p>
<p><a href="/readyz">/readyz</a> · <a href="/api/v1/overview">/api/v1/overview</a> ·
<a href="/openapi.json">/openapi.json</a></p>
</body></html>
"""


def router(dist: Path) -> APIRouter:
    """Return the routes of the console in a folder, which need not exist yet."""
    routes = APIRouter(include_in_schema=False)
    root = dist.resolve()

    @routes.get("/{path:path}")
    async def page(path: str, request: Request) -> Response:
        if path.split("/", 1)[0] in _RESERVED:
            raise ProblemError(
                404,
                "not-found",
                detail=f"there is no route {request.url.path}",
                hint="See /openapi.json for every route.",
            )
        file = _inside(root, path)
        if file is not None:
            cache = _IMMUTABLE if path.startswith("assets/") else "no-cache"
            return FileResponse(file, headers={"cache-control": cache})
        if path.startswith("assets/"):
            raise ProblemError(
                404,
                "not-found",
                detail=f"there is no file {path}",
                hint="Load the page again; the console was updated.",
            )
        index = root / "index.html"
        if not index.is_file():
            return HTMLResponse(_MISSING, 503, headers={"cache-control": "no-store"})
        return FileResponse(index, headers={"cache-control": "no-cache"})

    return routes


def _inside(root: Path, path: str) -> Path | None:
    """Return the file that `path` names in the folder, or None: no file, or an attempt to leave it."""
    if not path or "\x00" in path:
        return None
    try:
        file = (root / path).resolve()
        return file if file.is_relative_to(root) and file.is_file() else None
    except OSError:
        return None
