"""The centre's own processes, run beside a benchmark as in production: one ingest worker, one API process.

The API process has its status evaluator at work.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.embedded import EmbeddedMosquitto

START_SECONDS = 30.0


@contextmanager
def ingest_process(home: Path, dsn: str, broker: EmbeddedMosquitto) -> Iterator[None]:
    """Run one ingest worker."""
    variables = {
        **os.environ,
        "BELLWETHER_DSN": dsn,
        "BELLWETHER_BROKER_HOST": broker.host,
        "BELLWETHER_BROKER_PORT": str(broker.port),
        "BELLWETHER_CLOUD_CONFIG": "",
    }
    with (home / "ingest.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.cli.main", "cloud", "ingest", "--log-level", "WARNING"],
            env=variables,
            stderr=log,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def api_process(dsn: str, home: Path) -> Iterator[http.client.HTTPConnection]:
    """Run one API process and yield a kept-alive connection to it."""
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        port = finder.getsockname()[1]
    environment_of_api = {**os.environ, "BELLWETHER_DSN": dsn, "BELLWETHER_PORT": str(port)}
    with (home / "api.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.cli.main", "cloud", "api"], env=environment_of_api, stdout=log, stderr=log
        )
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            _wait_until_it_answers(client, process, home / "api.log")
            yield client
        finally:
            client.close()
            process.terminate()
            process.wait(20)


def _wait_until_it_answers(client: http.client.HTTPConnection, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            get(client, "/healthz")
            return
        except OSError as error:
            client.close()
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the API does not answer:\n{log.read_text(errors='replace')[-2000:]}") from error
            time.sleep(0.1)


def get(client: http.client.HTTPConnection, path: str) -> int:
    """Return the bytes of the answer as they travelled."""
    client.request("GET", path, headers={"accept-encoding": "gzip"})
    response = client.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {body[:300]!r}")
    return len(body)
