"""Configs: every problem at once, in exact words; examples of the docs; secrets that do not show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.collectors.targets import AuthProtocol, CommunityV2c, HttpTarget, IcmpTarget, PrivProtocol, UserV3
from edge_agent.config import AgentConfig, ConfigError, effective_toml, effective_values, load_config
from edge_agent.config.targets import device_targets, host_target, link_targets, probe_targets
from protocols.samples import Vantage

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("agent-*.toml"))
ENVIRONMENT = {
    "BELLWETHER_UPLINK_PASSWORD": "uplink-word",
    "BELLWETHER_LAN_TOKEN": "lan-word",
    "BELLWETHER_CENTRE_TOKEN": "centre-word",
    "BELLWETHER_TEACHER_CODE": "teachers-word",
    "BELLWETHER_SNMP_AUTH": "auth-word",
    "BELLWETHER_SNMP_PRIV": "priv-word",
    "BELLWETHER_SNMP_COMMUNITY": "community-word",
}
HEAD = """
[agent]
id = "s07-gw"
role = "gateway"
data_dir = "data"
[uplink]
host = "centre.example"
"""


@pytest.fixture
def load(tmp_path):
    def load_text(text: str, environment: dict[str, str] | None = None) -> AgentConfig:
        file = tmp_path / "agent.toml"
        file.write_text(text, encoding="utf-8")
        return load_config(file, environment or {}).config

    return load_text


@pytest.fixture
def problems(load):
    def problems_of(text: str, head: str = HEAD) -> list[str]:
        with pytest.raises(ConfigError) as refused:
            load(head + text)
        assert refused.value.exit_code == 2
        return [str(problem) for problem in refused.value.problems]

    return problems_of


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples_of_the_docs_load(file):
    assert load_config(file, ENVIRONMENT).config.agent.data_dir == Path("/var/lib/bellwether")


def test_there_is_an_example_for_every_role():
    assert [file.stem for file in EXAMPLES] == ["agent-classroom", "agent-core", "agent-gateway"]


def test_all_problems_come_at_once_with_key_reason_and_example(problems):
    found = problems(
        """
[agent]
id = "S07 GW"
role = "router"
[uplink]
host = "0.0.0.0"
keepalive_ms = 20000
[spool]
seal_seconds = 5000
max_bytes = "512 MB"
[[devices]]
id = "s07-sw01"
address = "10.7.0"
community = "public"
[[devices]]
id = "s07-sw01"
address = "10.7.0.3"
udp_port = 0
interval_seconds = 0.5
community = "public"
[[links]]
id = "s07-wan"
vantage = "school"
device = "s07-rt1"
port = "GE0/0/1"
""",
        head="",
    )
    assert found == [
        'agent.id: "S07 GW" is not of the form ^[a-z0-9][a-z0-9-]{0,62}$ (for example: id = "s07-gw")',
        'agent.role: must be one of "gateway", "classroom", "core", not "router" (for example: role = "gateway")',
        'agent.data_dir: is missing (for example: data_dir = "/var/lib/bellwether")',
        "uplink.keepalive_ms: is not a key here; did you mean keepalive_seconds?",
        (
            "uplink.host: 0.0.0.0 stands for every address of a machine and is no target "
            '(for example: host = "centre.example")'
        ),
        (
            "spool.seal_seconds: must be at most 300 seconds, not 5,000; milliseconds perhaps? "
            "(for example: seal_seconds = 5)"
        ),
        (
            'spool.max_bytes: must be a whole number of bytes without a unit, not "512 MB" '
            "(for example: max_bytes = 536870912)"
        ),
        'devices[1].address: "10.7.0" is not an IPv4 address (for example: address = "10.7.0.2")',
        "devices[2].udp_port: must be at least 1, not 0 (for example: udp_port = 161)",
        "devices[2].interval_seconds: must be at least 1 seconds, not 0.5 (for example: interval_seconds = 60)",
        "devices[2].id: s07-sw01 is already the id of devices[1]",
        'links[1].device: no [[devices]] table has the id "s07-rt1"; known: s07-sw01',
    ]


def test_a_name_ends_where_its_line_ends(problems):
    """A line end in an id would stand in an MQTT topic, one in a classroom in a key that the centre cannot know."""
    found = problems('[terminals]\nclassroom = "s07-c03\\n"\n[[devices]]\nid = "s07-sw01\\n"\naddress = "10.7.0.2"\n')
    assert [problem.partition(":")[0] for problem in found] == [
        "terminals.classroom",
        "devices[1].id",
        "devices[1].community",
    ]


def test_a_wrong_value_hides_no_other_problem_of_its_table_and_makes_none_up(problems):
    device = '[[devices]]\nid = "a"\naddress = "0.0.0.0"\n'
    links = '[[links]]\nid = "w"\nvantage = "school"\nprobe_address = 5\n'
    found = problems(
        device
        + 'version = "3"\nuser = "bell"\nauth_key = "long enough"\ninterval_seconds = "30s"\n'
        + device.replace('"a"', '"b"')
        + 'version = 2\nuser = "bell"\n'
        + links
    )
    assert [problem.partition(":")[0] for problem in found] == [
        "devices[1].interval_seconds",
        "devices[1].address",
        "devices[1].auth_protocol",
        "devices[2].version",
        "links[1].probe_address",
    ]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("0.0.0.0", "0.0.0.0 stands for every address of a machine and is no target"),
        ("::", ":: stands for every address of a machine and is no target"),
        ("224.0.0.1", "224.0.0.1 is a multicast address and is no target"),
        ("255.255.255.255", "255.255.255.255 is the broadcast address and is no target"),
        ("300.1.1.1", '"300.1.1.1" is not an IPv4 address'),
        ("http://10.0.0.1", '"http://10.0.0.1" is a URL, a bare address or host name is wanted'),
        ("bad host", '"bad host" is neither an IP address nor a host name'),
        ("-x.example", '"-x.example" is neither an IP address nor a host name'),
    ],
)
def test_an_address_that_cannot_be_reached_is_refused(problems, address, reason):
    text = f'[[probes]]\nkind = "tcp"\nname = "web"\naddress = "{address}"\nport = 443\n'
    assert problems(text) == [f'probes[1].address: {reason} (for example: address = "10.0.0.80")']


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "fe80::1%eth0", "2001:db8::1", "portal", "portal.example.", "a_b.example"]
)
def test_an_address_that_may_be_reached_is_taken(load, address):
    load(HEAD + f'[[probes]]\nkind = "tcp"\nname = "web"\naddress = "{address}"\nport = 443\n')


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://portal.example", '"ftp://portal.example" is not an http or https URL'),
        ("https://", '"https://" is not an http or https URL'),
        ("http://portal.example:0/", "port 0 is not between 1 and 65535"),
        ("http://portal.example:99999/", '"http://portal.example:99999/" has no port between 1 and 65535'),
        ("https://me:word@portal.example", "holds a user name or password, which would show in logs"),
    ],
)
def test_a_url_that_cannot_be_asked_is_refused(problems, url, reason):
    found = problems(f'[[probes]]\nkind = "http"\nname = "web"\nurl = "{url}"\n')
    assert found == [f'probes[1].url: {reason} (for example: url = "https://portal.example/healthz")']


def test_snmp_v3_wants_keys_that_fit(problems):
    found = problems(
        """
[[devices]]
id = "a"
address = "10.0.0.1"
version = "3"
auth_protocol = "md5"
[[devices]]
id = "b"
address = "10.0.0.2"
version = "3"
user = "bell"
priv_protocol = "aes128"
priv_key = "short"
[[devices]]
id = "c"
address = "10.0.0.3"
user = "bell"
"""
    )
    assert found == [
        (
            "devices[1].auth_protocol: md5 is broken and refused; must be one of "
            '"sha1", "sha224", "sha256", "sha384", "sha512", not "md5" (for example: auth_protocol = "sha256")'
        ),
        (
            "devices[2].auth_protocol: is missing; there is no privacy without authentication "
            '(for example: auth_protocol = "sha256")'
        ),
        "devices[2].priv_key: has fewer than 8 characters; SNMP refuses it",
        (
            "devices[3].community: is missing, version 2c needs it "
            '(for example: community = { file = "/etc/bellwether/community" })'
        ),
        'devices[3].user: belongs to SNMP version 3, this device has version 2c (for example: version = "3")',
    ]


def test_a_poll_that_cannot_end_in_its_interval_is_refused(problems):
    found = problems(
        '[[devices]]\nid = "a"\naddress = "10.0.0.1"\ncommunity = "public"\n'
        "interval_seconds = 5\ntimeout_seconds = 3\nretries = 2\n"
    )
    assert found == [
        (
            "devices[1].interval_seconds: one unanswered request takes 9 seconds (3 tries of 3), "
            "longer than the interval of 5 (for example: interval_seconds = 60)"
        )
    ]


def test_a_link_must_measure_something(problems):
    assert problems('[[links]]\nid = "w"\nvantage = "centre"\n') == [
        (
            "links[1]: has neither device and port nor probe_address: nothing would be measured "
            '(for example: probe_address = "10.0.0.1")'
        )
    ]


def test_a_link_read_too_seldom_to_be_believed_is_warned_of(tmp_path):
    file = tmp_path / "agent.toml"
    link = '[[links]]\nid = "w"\nvantage = "school"\nprobe_address = "10.0.0.1"\ninterval_seconds = '
    warned = {}
    for seconds in (20, 30):
        file.write_text(f"{HEAD}{link}{seconds}\n", encoding="utf-8")
        warned[seconds] = [one for one in load_config(file, {}).warnings if one.startswith("links")]
    assert warned[20] == []
    (told,) = warned[30]
    assert told == (
        "links[1].interval_seconds: above 20, a missed reading or two make the link unknown to the centre, "
        "which believes no evidence older than 60 seconds"
    )


def test_both_ends_of_a_link_may_be_watched_by_one_agent_but_no_end_twice(load, problems):
    ends = [f'[[links]]\nid = "w"\nvantage = "{vantage}"\nprobe_address = "10.0.0.1"\n' for vantage in Vantage]
    assert len(load(HEAD + "".join(ends)).links) == 2
    assert problems(ends[0] * 2) == ["links[2].id: w is already the id of links[1]"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("max_bytes = true", "spool.max_bytes: must be a whole number of bytes, not true"),
        ("max_bytes = 1.5", "spool.max_bytes: must be a whole number of bytes, not 1.5"),
        ("seal_seconds = nan", "spool.seal_seconds: must be at least 1 seconds, not nan"),
        ("seal_seconds = inf", "spool.seal_seconds: must be at most 300 seconds, not inf; milliseconds perhaps?"),
        ('seal_seconds = "soon"', 'spool.seal_seconds: must be a number of seconds, not "soon"'),
    ],
)
def test_wrong_numbers_are_told_by_their_value(problems, line, reason):
    (found,) = problems(f"[spool]\n{line}\n")
    assert found.partition(" (for example")[0] == reason


def test_wrong_shapes_are_told(problems):
    assert problems('devices = "s07-sw01"\nspool = 5\n', head="")[:2] == [
        'devices: must be a list, not "s07-sw01"',
        "spool: must be a table, not 5 (for example: [spool])",
    ]


def test_what_is_not_toml_is_told_with_its_place(load, tmp_path):
    with pytest.raises(ConfigError, match=r"agent\.toml: syntax: not TOML: .*line 2, column \d"):
        load("[agent]\nid = = 1")
    (tmp_path / "gbk.toml").write_bytes('name = "网络"'.encode("gb18030"))
    with pytest.raises(ConfigError, match=r"encoding: not UTF-8 at byte 8; save it as UTF-8"):
        load_config(tmp_path / "gbk.toml", {})
    with pytest.raises(ConfigError, match=r"file: cannot be read \(No such file or directory\)"):
        load_config(tmp_path / "absent.toml", {})


def test_a_byte_order_mark_is_no_problem(load):
    assert load("\ufeff" + HEAD).agent.id == "s07-gw"


def test_secrets_come_from_files_and_environment_and_do_not_show(load, tmp_path):
    (tmp_path / "word").write_text("from-the-file\n")
    config = load(
        HEAD + 'password = { file = "word" }\n[lan]\nlisten = "127.0.0.1:8740"\ntoken = { env = "TOKEN" }\n',
        {"TOKEN": "from-the-environment"},
    )
    assert config.uplink.password is not None
    assert config.uplink.password.reveal() == "from-the-file"
    assert config.lan is not None
    assert config.lan.token is not None
    assert config.lan.token.reveal() == "from-the-environment"
    shown = effective_toml(config) + repr(config) + repr(effective_values(config))
    assert "from-the" not in shown
    assert 'token = "******** (environment variable TOKEN)"' in shown


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{ env = 'NOT_SET' }", "the environment variable NOT_SET is not set"),
        ("''", "is empty"),
        ("{ vault = 'x' }", "must be text, { file = … } or { env = … }"),
        ("7", "must be text, { file = … } or { env = … }"),
    ],
)
def test_a_secret_that_is_not_there_is_a_problem(problems, value, reason):
    (found,) = problems(f"password = {value}\n")
    assert found.startswith(f"uplink.password: {reason}")


def test_a_secret_file_that_is_not_there_names_the_file(problems, tmp_path):
    (found,) = problems('password = { file = "absent" }\n')
    assert found.startswith(f"uplink.password: the file {tmp_path / 'absent'} cannot be read (No such file")


def test_certificates_need_their_keys_and_must_be_there(problems, tmp_path):
    assert problems('tls_cert = "agent.pem"\n') == [
        (
            "uplink.tls_key: is missing; a certificate needs its key and a key its certificate "
            '(for example: tls_key = "/etc/bellwether/agent.key")'
        ),
        (
            "uplink.tls_ca: is missing; a certificate is only shown over TLS "
            '(for example: tls_ca = "/etc/bellwether/ca.pem")'
        ),
        f"uplink.tls_cert: the file {tmp_path / 'agent.pem'} is not there",
    ]


@pytest.mark.parametrize(
    ("listen", "reason"),
    [
        ("8740", '"8740" is not of the form address:port'),
        ("0.0.0.0:0", "port 0 is not between 1 and 65535"),
        ("nowhere.example:80", '"nowhere.example" is not an address of this machine'),
    ],
)
def test_where_the_lan_api_cannot_listen_is_told(problems, listen, reason):
    assert problems(f'[lan]\nlisten = "{listen}"\n') == [f'lan.listen: {reason} (for example: listen = "0.0.0.0:8740")']


CENTRE = """
[centre]
url = "https://centre.example:8443"
token = "word"
public_key = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
"""


def test_the_centre_is_named_with_token_and_key_or_not_at_all(load, problems):
    assert load(HEAD).centre is None
    centre = load(HEAD + CENTRE).centre
    assert centre is not None
    assert centre.url == "https://centre.example:8443"
    assert "word" not in effective_toml(load(HEAD + CENTRE))
    assert problems("[centre]\n") == [
        'centre.url: is missing (for example: url = "https://centre.example:8443")',
        'centre.token: is missing (for example: token = { file = "/etc/bellwether/centre-token" })',
        'centre.public_key: is missing (for example: public_key = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=")',
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('url = "centre.example"', '"centre.example" is not an http or https URL'),
        ('url = "https://centre.example/?a=1"', "has a query or fragment; the paths of the API are added to it"),
        ('public_key = "AAAA"', "is not the base64 of a 32 byte Ed25519 key (3 bytes, an Ed25519 key has 32)"),
        ('public_key = "not base64"', "is not the base64 of a 32 byte Ed25519 key"),
    ],
)
def test_a_centre_that_cannot_be_asked_or_verified_is_refused(problems, line, reason):
    key = line.split(" ")[0]
    kept = [one for one in CENTRE.strip().splitlines() if not one.startswith(key)]
    found = problems("\n".join([*kept, line]))
    assert len(found) == 1
    assert found[0].startswith(f"centre.{key}: ")
    assert reason in found[0]


def test_a_token_that_travels_in_the_clear_is_warned_of(tmp_path):
    file = tmp_path / "agent.toml"
    file.write_text(HEAD + CENTRE.replace("https", "http"), encoding="utf-8")
    assert any(one.startswith("centre.url: without https") for one in load_config(file, {}).warnings)


def test_a_teachers_code_that_a_pupil_could_guess_is_refused(problems):
    assert problems('[lan]\nlisten = "0.0.0.0:8740"\nteacher_code = "12345"\n') == [
        (
            "lan.teacher_code: has fewer than 6 characters; a pupil could guess it"
            ' (for example: teacher_code = { file = "/etc/bellwether/teacher-code" })'
        )
    ]


def test_a_core_agent_serves_no_school(problems):
    head = HEAD.replace('"gateway"', '"core"')
    assert problems('[lan]\nlisten = "0.0.0.0:8740"\n', head) == [
        "lan: a core agent has no school's network to serve; leave this table out"
    ]


def test_the_effective_config_is_a_config_again(load):
    config = load(HEAD + '[lan]\nlisten = "0.0.0.0:8740"\n' + CENTRE)
    assert effective_values(load(effective_toml(config))) == effective_values(config)


def test_tables_become_targets():
    config = load_config(next(file for file in EXAMPLES if file.stem == "agent-gateway"), ENVIRONMENT).config
    router, switch = device_targets(config)
    assert router.credentials == UserV3(
        "bellwether", AuthProtocol.SHA256, "auth-word", PrivProtocol.AES128, "priv-word"
    )
    assert switch.credentials == CommunityV2c("community-word")
    assert switch.ports == ("GigabitEthernet0/0/1", "GigabitEthernet0/0/2")
    (link,) = link_targets(config)
    assert (link.link, link.vantage, link.port) == ("s07-wan", Vantage.SCHOOL, "GigabitEthernet0/0/1")
    assert link.device is not None
    assert link.device.device == "s07-rt1"
    assert link.device.interval_seconds == 10
    probes = {target.name: target for target, _ in probe_targets(config)}
    assert list(probes) == ["s07-gw/dns", "s07-gw/portal", "s07-gw/homework", "s07-gw/internet"]
    assert isinstance(probes["s07-gw/internet"], IcmpTarget)
    portal = probes["s07-gw/portal"]
    assert isinstance(portal, HttpTarget)
    assert portal.expected_status == (200,)
    assert host_target(config).path == "/var/lib/bellwether"


POLL_ONCE = """
import asyncio, sys
from pathlib import Path
from edge_agent.config import load_config
from edge_agent.jobs import Drivers, make_collectors, plan

config = load_config(Path(sys.argv[1]), {}).config

async def main():
    collectors = make_collectors(config, Drivers())
    (target,) = [one.target for one in plan(config) if one.name == "device d"]
    await collectors.collect(target, asyncio.get_running_loop().time() + 5)
    await collectors.close()

asyncio.run(main())
print([name for name in ("pysnmp", "gufo") if name in sys.modules])
"""


@pytest.mark.parametrize("library", ["pysnmp", "gufo"])
def test_the_snmp_library_named_is_the_one_that_polls(tmp_path, library):
    file = tmp_path / "agent.toml"
    device = '[[devices]]\nid = "d"\naddress = "127.0.0.1"\nudp_port = 1\ncommunity = "public"\ntimeout_seconds = 0.1\n'
    file.write_text(f'{HEAD}[snmp]\nlibrary = "{library}"\n{device}', encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            POLL_ONCE,
            str(file),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == [f"['{library}']"], done.stderr


def test_content_is_checked(problems):
    said = problems('[content]\nparent = "http://user:word@10.7.0.2:8740"\nnight = "22:00-22:00"\n')
    assert [one.partition(":")[0] for one in said] == ["content.parent", "content.night"]
    assert "user name or password" in said[0]
    (alone,) = problems('[content]\nparent_token = "word"\n')
    assert "is for nothing without a parent" in alone
