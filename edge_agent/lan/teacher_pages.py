"""The teacher's pages: class page, board and the form for the code, from this agent and nothing beyond the school.

The server renders the frame with every word in the page's language; `assets/` fills it from the class API's stream.
Nothing is inline: the content security policy lets only this agent's own files run, and no text becomes markup.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge_agent.classroom.errors import UnknownClass
from edge_agent.classroom.viewing import Viewing
from edge_agent.lan import page
from edge_agent.lan.problems import Refusal
from edge_agent.lan.teacher_words import BOARD, CLASS, COMMON, SIGN_IN, in_language

HTML = "text/html; charset=utf-8"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
_ASSETS = {
    "base.css": "text/css; charset=utf-8",
    "class.css": "text/css; charset=utf-8",
    "board.css": "text/css; charset=utf-8",
    "listening.js": "text/javascript; charset=utf-8",
    "class.js": "text/javascript; charset=utf-8",
    "board.js": "text/javascript; charset=utf-8",
}
Redirect = Callable[[Request], Response | None]
Words = Mapping[str, str]


class TeacherPages:
    """The pages of one agent; `redirect` sends a browser to the form when the code is wanted."""

    def __init__(self, viewing: Viewing, redirect: Redirect) -> None:
        self._viewing = viewing
        self._redirect = redirect
        self.routes = [
            Route("/class/{school_class}", self.class_page),
            Route("/board/{school_class}", self.board_page),
            Route("/assets/{name}", self.asset),
        ]

    async def class_page(self, request: Request) -> Response:
        """Show the class: seats, what is not safe, what is locked."""
        return self._page(request, "class", CLASS, _class_body)

    async def board_page(self, request: Request) -> Response:
        """Show the board: the question, its bars, who is missing."""
        return self._page(request, "board", BOARD, _board_body)

    async def asset(self, request: Request) -> Response:
        """Serve a file of the pages."""
        name = request.path_params["name"]
        if name not in _ASSETS:
            raise Refusal(HTTPStatus.NOT_FOUND, "no such file", hint="open /class/{class} or /board/{class}")
        headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
        return Response(_asset(name), headers=headers, media_type=_ASSETS[name])

    def _page(
        self, request: Request, name: str, table: dict[str, tuple[str, str]], body: Callable[[Words], str]
    ) -> Response:
        if (elsewhere := self._redirect(request)) is not None:
            return elsewhere
        lang = page.language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
        school_class = request.path_params["school_class"]
        words = in_language(lang, COMMON, table)
        try:
            state = self._viewing.state(school_class)
        except UnknownClass:
            return answer(unknown_class(lang), HTTPStatus.NOT_FOUND)
        title = state.title if lang == "zh" else state.title_en or state.title
        return answer(_frame(lang, name, school_class, title, words, body(words)))


def answer(html: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return a page with its policy."""
    return Response(html, status, _HEADERS, HTML)


def sign_in(lang: str, leads_to: str, fault: str) -> str:
    """Return the form for the teacher's code; `fault` is `wrong`, `too_many` or nothing."""
    words = in_language(lang, COMMON, SIGN_IN)
    said = f'<p class="fault" role="alert">{escape(words[fault])}</p>' if fault else ""
    action = f"/teacher?lang={lang}&next={quote(leads_to)}"
    form = (
        f'<form method="post" action="{escape(action)}" class="panel"><h1>{escape(words["teacher"])}</h1>{said}'
        f'<label for="code">{escape(words["code"])}</label>'
        f'<input id="code" name="code" type="password" autocomplete="current-password" required autofocus>'
        f'<button class="main">{escape(words["enter"])}</button></form>'
    )
    return _document(lang, words["teacher"], "", f'<main class="alone">{form}</main>')


def unknown_class(lang: str) -> str:
    """Return the page for a class that this agent does not serve."""
    words = in_language(lang, COMMON, SIGN_IN)
    body = (
        f'<div class="panel"><h1>{escape(words["unknown_class"])}</h1><a href="/?lang={lang}">{words["back"]}</a></div>'
    )
    return _document(lang, words["unknown_class"], "", f'<main class="alone">{body}</main>')


def _frame(lang: str, name: str, school_class: str, title: str, words: Words, body: str) -> str:
    other = "en" if lang == "zh" else "zh"
    key = quote(school_class)
    links = [
        (f"/class/{key}?lang={lang}", words["class_page"], name == "class"),
        (f"/board/{key}?lang={lang}", words["board_page"], name == "board"),
        (f"/?lang={lang}", words["agent_page"], False),
    ]
    rail = "".join(
        f'<a href="{escape(address)}"{" aria-current=page" if here else ""}>{escape(text)}</a>'
        for address, text, here in links
    )
    # `<` is written so that no text can end the element.
    told = json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")
    head = (
        f'<header><h1>{escape(title)}</h1><p id="lesson"></p><p id="line" data-state="connecting" role="status">'
        f'{escape(words["connecting"])}</p><nav>{rail}<a href="?lang={other}" lang="{_tag(other)}">'
        f"{escape(words['other_language'])}</a></nav></header>"
        f'<p id="stale" role="alert" hidden></p><p id="fault" role="alert" hidden></p>'
        f"<noscript><p>{escape(words['no_script'])}</p></noscript>"
    )
    scripts = (
        f'<script type="application/json" id="words">{told}</script>'
        f'<script type="module" src="/assets/{name}.js"></script>'
    )
    attributes = f' data-class="{escape(school_class)}" class="{name}"'
    return _document(lang, title, attributes, f"{head}<main>{body}</main>{scripts}", f"{name}.css")


def _document(lang: str, title: str, attributes: str, body: str, *styles: str) -> str:
    sheets = "".join(f'<link rel="stylesheet" href="/assets/{one}">' for one in ("base.css", *styles))
    return (
        f'<!doctype html><html lang="{_tag(lang)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title>{sheets}</head><body{attributes}>{body}</body></html>"
    )


def _class_body(words: Words) -> str:
    def text(key: str) -> str:
        return escape(words[key])

    minutes = "".join(
        f'<option value="{n}"{" selected" if n == 10 else ""}>{text("minutes").replace("{n}", str(n))}</option>'
        for n in (1, 3, 5, 10, 20, 45)
    )
    marks = "".join(
        f'<li class="{mark}"><i class="shape" aria-hidden="true"></i>{text(f"mark_{mark}")}</li>'
        for mark in ("good", "attention", "bad", "unknown", "away")
    )
    return (
        '<section id="banner" role="status"><strong id="banner-text"></strong><span id="banner-more"></span></section>'
        f'<section id="map"><ol id="seats"></ol><p id="nobody" hidden>{text("nobody")}</p>'
        f'<p id="desk">{text("desk")}</p><ul id="legend" aria-label="{text("legend")}">{marks}</ul></section>'
        f'<aside><section id="lease" class="panel"><h2>{text("lease")}</h2>'
        f'<div id="lease-free"><label>{text("for_minutes")} <select id="minutes">{minutes}</select></label>'
        f'<button id="lock" class="main">{text("lock")}</button>'
        f'<button id="attention">{text("attention")}</button></div>'
        f'<div id="lease-held" hidden><p id="lease-kind"></p><p id="lease-left" role="timer"></p>'
        f'<button id="release" class="main">{text("release")}</button><button id="renew">{text("renew")}</button></div>'
        f'<p class="small">{text("ends_by_itself")}</p>'
        f'<button id="open-lesson" hidden>{text("open_lesson")}</button>'
        f'<button id="close-lesson" hidden>{text("close_lesson")}</button></section>'
        f'<section id="facts" class="panel" aria-live="polite"><p id="pick">{text("pick")}</p>'
        '<div id="seat" hidden><h2 id="seat-title"></h2><p id="seat-say"></p><dl id="seat-facts"></dl>'
        '<p id="seat-proof" class="small"></p></div></section></aside>'
    )


def _board_body(words: Words) -> str:
    def text(key: str) -> str:
        return escape(words[key])

    return (
        f'<section id="none" hidden><h2>{text("empty")}</h2><p>{text("empty_hint")}</p></section>'
        '<section id="asked" hidden><h2 id="ask"></h2><ol id="bars"></ol><p id="other" hidden></p></section>'
        '<footer id="foot" hidden><p id="answered" role="status"></p><p id="right"></p>'
        f'<div id="missing"><h3>{text("missing_who")}</h3><ul id="who"></ul></div>'
        f'<p id="everybody" hidden>{text("everybody")}</p></footer>'
        f'<div id="tools"><button id="new" class="main">{text("new_question")}</button>'
        f'<button id="close" hidden>{text("close")}</button><span class="small">{text("keys")}</span></div>'
        f'<dialog id="form" aria-label="{text("new_question")}"><form method="dialog"><h2>{text("new_question")}</h2>'
        f'<label for="prompt">{text("prompt")}</label><textarea id="prompt" maxlength="500" rows="2"></textarea>'
        f'<div id="options"></div><p><button type="button" id="more">{text("more_options")}</button>'
        f'<button type="button" id="fewer">{text("fewer_options")}</button></p>'
        f'<label for="correct">{text("correct")}</label><select id="correct"></select>'
        '<p id="form-fault" class="fault" role="alert"></p>'
        f'<p class="row"><button type="submit" id="start" class="main">{text("start")}</button>'
        f'<button type="button" id="cancel">{text("cancel")}</button></p></form></dialog>'
    )


def _tag(lang: str) -> str:
    return "zh-CN" if lang == "zh" else "en"


@cache
def _asset(name: str) -> bytes:
    return files("edge_agent.lan").joinpath("assets", name).read_bytes()
