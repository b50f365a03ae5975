"""Which orders of feeds are taken."""

from __future__ import annotations

import base64

import pytest

from cloud.feeds.schemas import FeedOrder
from cloud.feeds.service import problems_of

KEY = "k" * 24


def fields(**order: str) -> list[str]:
    values = {"feed": "lrs", "url": "https://x.example/hook", "secret": KEY} | order
    return [problem.field for problem in problems_of(FeedOrder(**values))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", ["http://10.0.0.7:8080/a?b=c", "https://x.example", "http://[::1]:9/", "HTTPS://X.example/"]
)
def test_an_address_of_http_is_taken(url: str) -> None:
    assert fields(url=url) == []


@pytest.mark.parametrize(
    "url",
    ["", "x.example", "//x.example", "ftp://x.example", "file:///etc/passwd", "http://", "http://u:p@x.example",
     "http://u@x.example", "http://x.example:0/", "http://x.example:99999/", "http://x.example/#a",
     "http://x.example/a b", "http://x.example/\n", "http://\u4f8b.example/", "http://a..b.example:x/"],
)  # fmt: skip
def test_any_other_address_is_refused(url: str) -> None:
    assert fields(url=url) == ["url"]


@pytest.mark.parametrize("secret", [KEY, "whsec_" + base64.b64encode(b"k" * 24).decode()])
def test_a_key_is_long_enough(secret: str) -> None:
    assert fields(secret=secret) == []


@pytest.mark.parametrize(
    "secret", ["", "k" * 23, "whsec_" + base64.b64encode(b"k" * 23).decode(), "whsec_!", KEY + "\n"]
)
def test_a_bad_key_is_refused(secret: str) -> None:
    assert fields(secret=secret) == ["secret"]


@pytest.mark.parametrize("secret", ["", "user", "user:", ":password"])
def test_a_receiver_of_statements_needs_user_and_password(secret: str) -> None:
    assert fields(format="xapi", secret=secret) == ["secret"]
    assert fields(format="xapi", secret="user:pass:word") == []
