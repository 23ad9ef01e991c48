"""Which addresses and URLs are called, and that nothing else is connected to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Sequence

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic import ValidationError

from bot.addresses import is_public, read_address
from bot.look_ups import SystemResolver
from bot.outbound_guard import (
    BadUrl,
    Forbidden,
    GuardedResolver,
    LookUpFailed,
    Policy,
    check_url,
    guarded_session,
)
from bot.outbound_url import LONGEST_URL, UrlRules, read_url
from bot.settings import Settings

STRICT = UrlRules()
AT_HOME = UrlRules(allow_loopback=True)


class Names(AbstractResolver):
    """A resolver that knows what it is told; each look-up of a name takes the next answer."""

    def __init__(self, **names: Sequence[Sequence[str] | float]) -> None:
        self._names = {name: list(answers) for name, answers in names.items()}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        answers = self._names.get(host.removesuffix(".test"))
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, float):
            raise TimeoutError
        return [
            ResolveResult(
                hostname=host,
                host=one,
                port=port,
                family=socket.AF_INET6 if ":" in one else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for one in answer
        ]

    async def close(self) -> None:
        pass


PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.215.14",
    "::ffff:8.8.8.8",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
]

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:0.0.0.0",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdaa::3",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_of_the_internet_are_public(text: str) -> None:
    address = read_address(text)
    assert address is not None
    assert is_public(address)


@pytest.mark.parametrize("text", PRIVATE)
def test_all_others_are_not(text: str) -> None:
    address = read_address(text)
    assert address is not None
    assert not is_public(address)
    assert not STRICT.may_connect(address)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://example.com/hook", "https://example.com/hook"),
        ("HTTPS://EXAMPLE.com:443", "https://example.com"),
        ("https://example.com:8443/a?b=c%20d", "https://example.com:8443/a?b=c%20d"),
        ("https://münchen.example/ü", "https://xn--mnchen-3ya.example/%C3%BC"),
        ("https://example.com./", "https://example.com./"),
        ("https://a_b.example.com/~x", "https://a_b.example.com/~x"),
        ("https://1.1.1.1/", "https://1.1.1.1/"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ("https://example.com/a@b", "https://example.com/a@b"),
        ("https://example.com?to=a@b", "https://example.com/?to=a@b"),
    ],
)
def test_a_url_has_one_form(text: str, normal: str) -> None:
    assert str(read_url(text, STRICT)) == normal


NO_URL = "it is not a URL such as https://example.com/hook"
NO_HTTPS = "it must begin with https://"
NO_ADDRESS = "its address is not allowed"
NO_NAME = "its host has no address that is allowed"
"""Said of a private name and of one that there is not: which, is nobody's business."""
NO_PORT = "its port must be one of 443, 8443"
NO_USER = "leave out user name and password: what is sent is signed instead"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", NO_URL),
        ("example.com", NO_URL),
        ("/hook", NO_URL),
        ("ftp://example.com/", NO_URL),
        ("gopher://example.com/x", NO_URL),
        ("javascript:alert(1)", NO_URL),
        ("https://", NO_URL),
        ("https:///etc", NO_URL),
        ("https://?x", NO_URL),
        ("https://exa mple.com/", NO_URL),
        ("https://example.com/a b", NO_URL),
        ("https://example.com/\r\nHost: x", NO_URL),
        ("https://example.com\\.evil.test/", NO_URL),
        ("https://a..b/", NO_URL),
        ("https://-a.test/", NO_URL),
        (f"https://{'a' * 64}.test/", NO_URL),
        (f"https://{'a.' * 130}test/", NO_URL),
        ("https://a%2eb/", NO_URL),
        ("https://a.test%00/", NO_URL),
        ("https://a.test:99999/", NO_URL),
        ("https://[::1/", NO_URL),
        ("https://[fe80::1%25eth0]/", NO_URL),
        ("https://2130706433/", NO_URL),
        ("https://127.1/", NO_URL),
        ("https://0x7f.1/", NO_URL),
        ("https://0x7f000001/", NO_URL),
        ("https://0177.0.0.1/", NO_URL),
        ("https://evil.0x7f/", NO_URL),
        ("https://127.0.0.1./", NO_URL),
        ("https://user@example.com/", NO_USER),
        ("https://user:word@example.com/", NO_USER),
        ("https://:@example.com/", NO_USER),
        ("https://@example.com/", NO_USER),
        ("https://example.com@127.0.0.1?x", NO_USER),
        ("https://example.com/#part", "leave out the part from # on, which is not sent"),
        ("https://example.com/#", "leave out the part from # on, which is not sent"),
        ("http://example.com/", NO_HTTPS),
        ("http://127.0.0.1/", NO_HTTPS),
        ("http://localhost/", NO_HTTPS),
        ("https://example.com:80/", NO_PORT),
        ("https://example.com:22/", NO_PORT),
        ("https://example.com:0/", NO_PORT),
        ("https://127.0.0.1:6379/", NO_PORT),
        ("https://127.0.0.1/", NO_ADDRESS),
        ("https://\uff11\uff12\uff17.0.0.1/", NO_ADDRESS),
        ("https://[::1]/", NO_ADDRESS),
        ("https://[::ffff:127.0.0.1]/", NO_ADDRESS),
        ("https://[::ffff:7f00:1]/", NO_ADDRESS),
        ("https://[64:ff9b::7f00:1]/", NO_ADDRESS),
        ("https://169.254.169.254/latest/", NO_ADDRESS),
        ("https://10.0.0.1/", NO_ADDRESS),
        ("https://0.0.0.0/", NO_ADDRESS),
        (f"https://example.com/{'a' * LONGEST_URL}", "it is longer than 2048 characters"),
        (f"https://example.com/{'ü' * 700}", "it is longer than 2048 characters"),
    ],
)
def test_what_is_not_called_and_why(text: str, why: str) -> None:
    with pytest.raises(BadUrl) as error:
        read_url(text, STRICT)
    assert str(error.value) == why


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:3000/hook",
        "http://localhost:3000/hook",
        "https://localhost:3000/hook",
        "http://[::1]:3000/hook",
        "http://[::ffff:127.0.0.1]:3000/hook",
    ],
)
def test_this_machine_may_be_called_where_the_operator_allows_it(text: str) -> None:
    assert read_url(text, AT_HOME).port == 3000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://example.com/", NO_HTTPS),
        ("http://10.0.0.1/", NO_HTTPS),
        ("https://10.0.0.1/", NO_ADDRESS),
        ("https://169.254.169.254/", NO_ADDRESS),
        ("https://example.com:3000/", NO_PORT),
        ("http://localhost:0/", NO_PORT),
        ("http://0.0.0.0:3000/", NO_HTTPS),
    ],
)
def test_but_nothing_else_then(text: str, why: str) -> None:
    with pytest.raises(BadUrl) as error:
        read_url(text, AT_HOME)
    assert str(error.value) == why


def test_the_operator_may_add_ports() -> None:
    rules = UrlRules(ports=frozenset({443, 9443}))
    assert read_url("https://example.com:9443/", rules).port == 9443
    with pytest.raises(BadUrl, match="one of 443, 9443"):
        read_url("https://example.com:8443/", rules)


async def checked(
    url: str, rules: UrlRules = STRICT, **names: Sequence[Sequence[str] | float]
) -> str:
    """What is said of a URL; empty where it is taken."""
    try:
        await check_url(url, Policy(rules, Names(**names)))
    except BadUrl as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "no address"]
)
async def test_a_name_of_a_private_address_is_refused_without_a_reason(address: str) -> None:
    assert await checked("https://hook.test/", hook=[[address]]) == NO_NAME
    assert await checked("https://hook.test/", hook=[["1.1.1.1", address]]) == NO_NAME
    assert await checked("https://hook.test/", AT_HOME, hook=[[address]]) == NO_NAME


async def test_a_name_of_a_public_address_is_taken() -> None:
    assert await checked("https://hook.test/", hook=[["1.1.1.1", "2606:4700::1111"]]) == ""
    assert await checked("https://1.1.1.1/") == ""


async def test_only_localhost_is_this_machine() -> None:
    assert await checked("https://localhost/", localhost=[["127.0.0.1"]]) == NO_NAME
    assert await checked("http://localhost:1/", AT_HOME, localhost=[["127.0.0.1", "::1"]]) == ""
    assert await checked("http://localhost:1/", AT_HOME, localhost=[["10.0.0.1"]]) == NO_NAME
    assert await checked("http://127.0.0.1:1/", AT_HOME) == ""


@pytest.mark.parametrize("answers", [{}, {"hook": [[]]}])
async def test_a_name_that_does_not_resolve_is_told(
    answers: dict[str, Sequence[Sequence[str] | float]],
) -> None:
    assert await checked("https://hook.test/", **answers) == NO_NAME


async def test_a_name_that_nobody_answers_for_in_time_is_not_said_to_have_no_address() -> None:
    with pytest.raises(LookUpFailed, match="could not be looked up"):
        await checked("https://hook.test/", hook=[1.0])


async def test_the_systems_names_are_used() -> None:
    resolver = SystemResolver()
    try:
        found = await GuardedResolver(Policy(AT_HOME, resolver)).resolve("localhost", 80)
        assert {one["host"] for one in found} <= {"127.0.0.1", "::1"}
        with pytest.raises(Forbidden):
            await GuardedResolver(Policy(STRICT, resolver)).resolve("localhost", 80)
        with pytest.raises(OSError, match=NO_NAME):
            await GuardedResolver(Policy(STRICT, resolver)).resolve("a" * 300, 80)
    finally:
        await resolver.close()


class Ear:
    """A server on this machine that counts who connects."""

    def __init__(self) -> None:
        self.heard = 0
        self.port = 0

    def hear(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += 1
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()


@contextlib.asynccontextmanager
async def ear() -> AsyncGenerator[Ear]:
    made = Ear()
    server = await asyncio.start_server(made.hear, "127.0.0.1", 0)
    async with server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


async def post(policy: Policy, url: str) -> int:
    async with (
        guarded_session(policy) as session,
        session.post(url, allow_redirects=False) as answer,
    ):
        return answer.status


async def test_this_machine_is_connected_to_where_it_may_be() -> None:
    async with ear() as server:
        policy = Policy(AT_HOME, Names(localhost=[["127.0.0.1"]]))
        assert await post(policy, f"http://127.0.0.1:{server.port}/") == 204
        assert await post(policy, f"http://localhost:{server.port}/") == 204
        assert server.heard == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "hook.test", "localhost"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_private_address_is_never_connected_to(scheme: str, host: str) -> None:
    names = Names(hook=[["127.0.0.1"]], localhost=[["127.0.0.1"]])
    async with ear() as server:
        with pytest.raises(aiohttp.ClientConnectorError) as error:
            await post(Policy(STRICT, names), f"{scheme}://{host}:{server.port}/")
        assert isinstance(error.value.os_error, Forbidden)
        assert server.heard == 0


async def test_a_name_that_becomes_private_after_it_was_checked_is_not_connected_to() -> None:
    async with ear() as server:
        rules = UrlRules(ports=frozenset({server.port}))
        policy = Policy(rules, Names(hook=[["1.1.1.1"], ["127.0.0.1"]]))
        url = f"https://hook.test:{server.port}/"
        await check_url(url, policy)
        with pytest.raises(aiohttp.ClientConnectorError) as error:
            await post(policy, url)
        assert isinstance(error.value.os_error, Forbidden)
        assert server.heard == 0


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ear() as proxy, ear() as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        await post(Policy(AT_HOME, Names()), f"http://127.0.0.1:{server.port}/")
        assert (proxy.heard, server.heard) == (0, 1)


def settings(**given: object) -> Settings:
    return Settings.model_validate(given)


def test_the_operators_settings_are_the_rules() -> None:
    assert settings().webhook_urls == STRICT
    given = settings(webhook_ports="9443, 10443", allow_loopback_webhooks="1").webhook_urls
    assert given == UrlRules(allow_loopback=True, ports=frozenset({443, 8443, 9443, 10443}))


@pytest.mark.parametrize("ports", ["x", "0", "65536", "443-450"])
def test_ports_are_numbers(ports: str) -> None:
    with pytest.raises(ValidationError):
        settings(webhook_ports=ports)
