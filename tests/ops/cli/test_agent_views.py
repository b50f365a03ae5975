"""`bellwether agent status --url`: what a person is told when the address does not answer as an agent does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import typer

from edge_agent.health import CentreState, DesiredDocumentState
from ops.cli.agent_views import print_desired, status_of
from protocols.desired import DocumentKind, Validity

Answer = Callable[[int, bytes], str]


@pytest.fixture
def answering() -> Iterator[Answer]:
    """Serve one answer to everything and return the address."""
    servers: list[HTTPServer] = []

    def serve(status: int, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"{}", "error: {url} wants its LAN token\nhint: give --token, or set BELLWETHER_LAN_TOKEN\n"),
        (404, b"<html>", "error: {url} does not tell its status (HTTP 404 Not Found)\n"),
        (302, b"", "error: {url} does not tell its status (HTTP 302 Found)\n"),
        (200, b"<html>", "error: {url} does not tell its status (JSON is malformed: invalid character (byte 0))\n"),
    ],
)
def test_an_answer_that_is_no_status_is_told_in_a_line_and_a_hint(
    answering: Answer, capsys: pytest.CaptureFixture[str], status: int, body: bytes, said: str
) -> None:
    url = answering(status, body)
    with pytest.raises(typer.Exit) as left:
        status_of(None, url, None)
    assert left.value.exit_code == 1
    told = capsys.readouterr().err
    assert told.startswith(said.format(url=url))
    assert told.count("\n") == 2


def test_desired_state_is_shown_with_what_is_not_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    centre = CentreState(
        url="https://centre.example",
        reachable=False,
        reason="ConnectError",
        since_ms=0,
        documents=[
            DesiredDocumentState(
                kind=DocumentKind.ROSTER, token="c0ffee00" * 4, made_at_ms=940_000, validity=Validity.VALID
            ),
            DesiredDocumentState(
                kind=DocumentKind.CONTENT,
                token=None,
                made_at_ms=None,
                validity=Validity.UNKNOWN,
                reason="not here",
            ),
        ],
    )
    print_desired(centre, 1_000_000)
    said = capsys.readouterr().out
    for part in ("does not answer: ConnectError", "roster", "c0ffee00", "60 s ago", "not here"):
        assert part in said
