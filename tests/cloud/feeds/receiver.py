"""A receiver of feeds in threads of its own: plain http.server, knows nothing of our code, can misbehave."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answering = Callable[[list[dict[str, Any]]], int | None]
"""Status for a batch; None drops the connection without an answer."""


class Receiver:
    """Counts what it took by the record's id. `answer` decides; what it does not answer with 2xx it has not taken."""

    def __init__(self, secret: str) -> None:
        self.key = secret.encode()
        self.answer: Answering = lambda _: 200
        self.delay_seconds = 0.0
        self.taken: Counter[str] = Counter()
        self.order: list[str] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.wrong_signatures = 0
        self.headers: dict[str, str] = {}
        self.connections: set[socket.socket] = set()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self) -> None:
        """Listen, on the same port as before."""
        receiver = self

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Say nothing of a sender that gave up waiting."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                receiver.connections.add(self.connection)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.take(self, body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening and cut every connection, as a kill does."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()

    def take(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Verify, decide, note, answer."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.path, headers, body))
        said = json.loads(body)
        records = said if isinstance(said, list) else said.get("records", [])
        if "webhook-signature" in headers and not self._signed(headers, body):
            self.wrong_signatures += 1
        time.sleep(self.delay_seconds)
        status = self.answer(records)
        if status is None:
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True
            return
        if 200 <= status < 300:
            ids = [record.get("record_id") or record["id"].replace("-", "") for record in records]
            self.taken.update(ids)
            self.order += ids
        request.send_response(status)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.send_header("content-length", "2")
        request.end_headers()
        request.wfile.write(b"{}")

    def _signed(self, headers: dict[str, str], body: bytes) -> bool:
        """Verify as the Standard Webhooks specification says, with nothing of ours."""
        if abs(time.time() - int(headers["webhook-timestamp"])) > 300:
            return False
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(self.key, signed, hashlib.sha256).digest()).decode()
        return any(
            version == "v1" and hmac.compare_digest(signature, expected)
            for version, signature in (part.split(",", 1) for part in headers["webhook-signature"].split())
        )
