"""The local page: what a school's technician sees in a browser on the school's own network, link or no link.

One page of plain HTML without scripts or outside files, in Chinese or English, reloading itself; it must work on any
machine in the school while nothing beyond the school does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from edge_agent.classroom.views import ClassSummary, Taught
from edge_agent.health import AgentStatus, CentreState, DeviceState
from edge_agent.uplink.values import Phase
from protocols.desired import Validity

Words = Callable[[str], str]

RELOAD_SECONDS = 5
LANGUAGES = ("zh", "en")

WORDS: dict[str, tuple[str, str]] = {
    "gateway": ("本校网关状态", "School gateway"),
    "classroom": ("本教室状态", "Classroom"),
    "uplink": ("与区中心的连接", "Connection to the centre"),
    "broker": ("中心地址", "Broker"),
    "since": ("持续时间", "For"),
    "reason": ("原因", "Reason"),
    "session": ("会话编号", "Session"),
    "last_receipt": ("最近一次回执", "Last receipt"),
    "skew": ("本机时钟偏差", "Clock against the centre's"),
    "held": ("待上传数据", "Held, not yet delivered"),
    "lane": ("通道", "Lane"),
    "segments": ("数据段", "Segments"),
    "items": ("条数", "Items"),
    "size": ("大小", "Size"),
    "oldest": ("最早", "Oldest"),
    "nothing_held": ("没有待上传数据，全部已送达", "Nothing is held, everything has been delivered"),
    "used": ("暂存空间已用", "Spool used"),
    "devices": ("网络设备", "Devices"),
    "device": ("设备", "Device"),
    "state": ("状态", "State"),
    "received": ("来自设备的消息", "Messages from devices"),
    "receiver_traps": ("SNMP 陷阱", "SNMP traps"),
    "receiver_syslog": ("系统日志 (syslog)", "Syslog"),
    "came": ("收到", "Received"),
    "told": ("转为事件", "Told"),
    "thinned": ("合并计数", "Thinned"),
    "below": ("低于级别", "Below the level"),
    "refused_messages": ("拒收", "Refused"),
    "polled": ("最近轮询", "Last poll"),
    "reachable": ("正常", "answers"),
    "silent": ("无应答", "does not answer"),
    "refused": ("凭据被拒绝", "refuses the credentials"),
    "not_polled": ("尚未轮询", "not polled yet"),
    "terminals": ("终端", "Terminals"),
    "present": ("在线", "Present"),
    "known": ("已知", "Known"),
    "desired": ("中心下发的数据", "From the centre"),
    "centre_reachable": ("可达", "answers"),
    "centre_away": ("不可达，沿用已有数据", "does not answer; what is held stays in force"),
    "centre_not_asked": ("尚未询问", "not asked yet"),
    "kind": ("类别", "Kind"),
    "version": ("版本", "Version"),
    "made": ("生成时间", "Made"),
    "roster": ("班级名册", "roster"),
    "timetable": ("课表", "timetable"),
    "content": ("课前资源", "content"),
    "erasure": ("删除指令", "erasures"),
    "valid": ("已生效", "in force"),
    "invalid": ("被拒绝", "refused"),
    "unknown": ("待更新", "not up to date yet"),
    "classes": ("班级", "Classes"),
    "class_page": ("班级页", "Class page"),
    "board_page": ("课堂答题", "Board"),
    "lesson_now": ("正在上课", "lesson now"),
    "no_lesson": ("现在没有课", "no lesson now"),
    "faults": ("需要处理", "Needs attention"),
    "ago": ("前", "ago"),
    "never": ("尚无", "never"),
    "other": ("English", "中文"),
    "events": ("事件", "events"),
    "records": ("记录", "records"),
    "live": ("实时", "live"),
    "backlog": ("积压", "backlog"),
    "sending": ("已连接", "connected"),
    "connecting": ("连接中", "connecting"),
    "joining": ("等待中心应答", "waiting for the centre's answer"),
    "waiting": ("未连接，等待重试", "not connected, will try again"),
    "refused_uplink": ("被中心拒绝", "refused by the centre"),
    "stopped": ("已停止", "stopped"),
}
"""Every word of the page: Chinese, English."""

STYLE = """
body{font:16px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:0;background:#f4f6f8;color:#1c2733}
main{max-width:52rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.4rem;display:flex;justify-content:space-between;align-items:baseline}
h1 a{font-size:.9rem;font-weight:400}
section{background:#fff;border:1px solid #dce2e8;border-radius:8px;padding:1rem 1.25rem;margin:1rem 0}
h2{font-size:1rem;margin:0 0 .5rem}table{border-collapse:collapse;width:100%}
th:first-child{width:11rem}td,th{text-align:left;padding:.2rem .75rem .2rem 0;font-weight:400}th{color:#5b6b7b}
.good::before{content:"● ";color:#1a7f4b}.bad::before{content:"▲ ";color:#b3261e}
.idle::before{content:"○ ";color:#5b6b7b}
"""


def language(asked: str | None, accepted: str) -> str:
    """Return `zh` or `en`: what was asked for, else what the browser prefers, else Chinese."""
    if asked in LANGUAGES:
        return asked
    for choice in accepted.lower().split(","):
        tag = choice.strip()[:2]
        if tag in LANGUAGES:
            return tag
    return "zh"


def render(status: AgentStatus, lang: str, taught: Taught | None = None) -> str:
    """Return the page; with the classes that are taught here, those in a lesson first."""

    def word(key: str) -> str:
        pair = WORDS.get(key)
        return escape(pair[LANGUAGES.index(lang)] if pair else key.replace("_", " "))

    other = "en" if lang == "zh" else "zh"
    heading = f"{word(status.role.value)} · {escape(status.agent)}"
    sections = [
        _uplink(status, word, lang),
        _held(status, word, lang),
        _devices(status, word, lang),
        _received(status, word),
    ]
    if status.centre is not None:
        sections.append(_desired(status.centre, status.at_ms, word, lang))
    sections.append(
        _section(
            word("terminals"),
            _facts([(word("present"), str(status.terminals.present)), (word("known"), str(status.terminals.known))]),
        )
    )
    if taught is not None and taught.classes:
        sections.insert(0, _classes(taught.classes, word, lang))
    if status.faults:
        items = "".join(f'<li class="bad">{escape(fault)}</li>' for fault in status.faults)
        sections.insert(0, _section(word("faults"), f"<ul>{items}</ul>"))
    return (
        f'<!doctype html><html lang="{"zh-CN" if lang == "zh" else "en"}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="{RELOAD_SECONDS}">'
        f"<title>{heading}</title><style>{STYLE}</style></head><body><main>"
        f'<h1><span>{heading}</span><a href="?lang={other}">{word("other")}</a></h1>'
        f"{''.join(sections)}<p>{_clock(status.at_ms)} · {escape(status.software)}</p></main></body></html>"
    )


def _uplink(status: AgentStatus, word: Words, lang: str) -> str:
    uplink = status.uplink
    mark = "good" if uplink.phase is Phase.SENDING else "bad"
    phase = "refused_uplink" if uplink.phase is Phase.REFUSED else uplink.phase.value
    facts = [
        (word("state"), f'<span class="{mark}">{word(phase)}</span>'),
        (word("broker"), escape(uplink.broker)),
    ]
    facts.append((word("since"), _duration((status.at_ms - uplink.since_ms) / 1000, lang)))
    if uplink.reason and uplink.phase is not Phase.SENDING:
        facts.append((word("reason"), escape(uplink.reason)))
    if uplink.session:
        facts.append((word("session"), str(uplink.session)))
    facts.append((word("last_receipt"), _ago(uplink.last_receipt_at_ms, status.at_ms, word, lang)))
    if uplink.skew_seconds is not None:
        facts.append((word("skew"), f"{uplink.skew_seconds:+.1f} s"))
    return _section(word("uplink"), _facts(facts))


def _held(status: AgentStatus, word: Words, lang: str) -> str:
    rows = [
        [
            word(lane.lane.value),
            f"{lane.segments:,}",
            f"{lane.items:,}",
            _size(lane.size_bytes),
            _ago(lane.oldest_at_ms, status.at_ms, word, lang),
        ]
        for lane in status.spool.held
        if lane.segments
    ]
    headings = [word(key) for key in ("lane", "segments", "items", "size", "oldest")]
    body = _table(headings, rows) if rows else f'<p class="good">{word("nothing_held")}</p>'
    used = f"{status.spool.used_ratio:.0%} ({_size(status.spool_max_bytes)})"
    return _section(word("held"), body + _facts([(word("used"), used)]))


def _devices(status: AgentStatus, word: Words, lang: str) -> str:
    rows = []
    for device in status.devices:
        mark, key = _device_word(device)
        rows.append(
            [
                escape(device.device),
                f'<span class="{mark}">{word(key)}</span>',
                _ago(device.polled_at_ms, status.at_ms, word, lang),
            ]
        )
    if not rows:
        return ""
    return _section(word("devices"), _table([word("device"), word("state"), word("polled")], rows))


def _received(status: AgentStatus, word: Words) -> str:
    rows = [
        [
            word(f"receiver_{one.receiver}"),
            f'<span class="bad">{escape(one.fault)}</span>' if one.fault else escape(one.listen),
            *(f"{count:,}" for count in (one.received_total, one.told_total, one.thinned_total, one.below_total)),
            f"{sum(one.refused_total.values()):,}",
        ]
        for one in status.receivers
    ]
    if not rows:
        return ""
    headings = ("kind", "state", "came", "told", "thinned", "below", "refused_messages")
    return _section(word("received"), _table([word(key) for key in headings], rows))


def _desired(centre: CentreState, now_ms: int, word: Words, lang: str) -> str:
    mark, key = {
        None: ("idle", "centre_not_asked"),
        True: ("good", "centre_reachable"),
        False: ("idle", "centre_away"),
    }[centre.reachable]
    facts = [(word("state"), f'<span class="{mark}">{word(key)}</span>')]
    if centre.reachable is False:
        facts.append((word("reason"), escape(centre.reason)))
    rows = []
    for one in centre.documents:
        mark = {Validity.VALID: "good", Validity.INVALID: "bad", Validity.UNKNOWN: "idle"}[one.validity]
        said = f'<span class="{mark}">{word(one.validity.value)}</span> {escape(one.reason)}'
        rows.append([word(one.kind.value), said, (one.token or "")[:8], _ago(one.made_at_ms, now_ms, word, lang)])
    table = _table([word(key) for key in ("kind", "state", "version", "made")], rows) if rows else ""
    return _section(word("desired"), _facts(facts) + table)


def _device_word(device: DeviceState) -> tuple[str, str]:
    if device.refused:
        return "bad", "refused"
    if device.reachable is None:
        return "idle", "not_polled"
    return ("good", "reachable") if device.reachable else ("bad", "silent")


def _classes(classes: list[ClassSummary], word: Words, lang: str) -> str:
    rows = []
    for one in classes:
        key = quote(one.school_class)
        title = one.title if lang == "zh" else one.title_en or one.title
        doing = (
            f'<span class="good">{word("lesson_now")} {escape(one.now.topic)}</span>' if one.now else word("no_lesson")
        )
        rows.append(
            [
                escape(title),
                doing,
                f'<a href="/class/{key}?lang={lang}">{word("class_page")}</a>',
                f'<a href="/board/{key}?lang={lang}">{word("board_page")}</a>',
            ]
        )
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return _section(word("classes"), f"<table>{body}</table>")


def _section(heading: str, body: str) -> str:
    return f"<section><h2>{heading}</h2>{body}</section>"


def _facts(facts: list[tuple[str, str]]) -> str:
    return "<table>" + "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in facts) + "</table>"


def _table(headings: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{heading}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _ago(then_ms: int | None, now_ms: int, word: Words, lang: str) -> str:
    if then_ms is None:
        return word("never")
    return f"{_duration((now_ms - then_ms) / 1000, lang)}{'' if lang == 'zh' else ' '}{word('ago')}"


def _duration(seconds: float, lang: str) -> str:
    for size, chinese, english in ((86_400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {chinese if lang == 'zh' else english}"
    return f"{max(0.0, seconds):.0f} {'秒' if lang == 'zh' else 's'}"


def _size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
