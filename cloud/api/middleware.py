"""Around every request: security headers, compression, and how long it took by route."""

from __future__ import annotations

import time

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.api.metrics import ApiMetrics

_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Charts set styles inside tooltips, which only 'unsafe-inline' for styles allows; scripts come from files alone."""

SECURITY_HEADERS = {
    "content-security-policy": _CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class RequestMiddleware:
    """Adds the headers and observes the time to the first byte, so that endless streams are measured rightly."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI event stream."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("cache-control", "no-store")
                self._metrics.observe(_route(scope), scope["method"], message["status"], time.monotonic() - began)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class CompressionMiddleware(GZipMiddleware):
    """Compresses answers, but never a blob: its ranges and its length are those of its own bytes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI event stream."""
        if scope["type"] == "http" and "/blobs/" in scope["path"]:
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _route(scope: Scope) -> str:
    """Return the route's template, not the path, so that ids do not become labels."""
    template: str = getattr(scope.get("route"), "path", "none")
    prefix = "/api/v1"
    # FastAPI keeps an included router's own template in the scope, without the prefix it was included under.
    return prefix + template if scope["path"].startswith(prefix) and not template.startswith(prefix) else template
