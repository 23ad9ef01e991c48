"""Webhooks to programs that are down, slow, wrong or somewhere else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs
from yarl import URL

from bot.effects.sending import OUR_MISTAKE, SEALED, UNSAID, UNSEEN, UNSIGNED, Courier, post
from bot.outbound_call import Unanswered, call
from bot.outbound_guard import Policy, check_url, guarded_session
from bot.outbound_url import UrlRules
from bot.vault import WrongKey
from handlers.effects import SendWebhook
from handlers.webhook_tries import A_DAY, Sending
from storage import StorageFailed
from storage.outbound import Sent
from storage.outbound_about import About
from storage.outbound_turns import Room
from tests.makers import HOUR, ID, MINUTE, NOON, SECOND
from tests.ports import free_port
from tests.receivers import NEW, OLD, receiver
from tests.storage_support import Bench, opened
from tests.story import until
from tests.test_outbound_guard import Names, ear

BODY = json.dumps({"type": "task.completed", "data": {"summary": "Grüße 🛎️"}}, ensure_ascii=False)
MESSAGE = f"msg_{ID.replace('-', '')}_1"


@dataclass
class Post:
    """A courier on a real database; its time passes by itself only."""

    bench: Bench
    courier: Courier
    secrets: list[str] = field(default_factory=lambda: [OLD])
    known: bool | None = True
    """Whether owners may be told; None while nobody says."""

    async def keep(self, url: str, name: str = MESSAGE, owner: int = 1) -> None:
        effect = SendWebhook(f"key/{name}", name, ID, 1, owner, url, BODY)
        await post(self.bench.store, effect, self.bench.now)

    async def go(self) -> int:
        """Send what is due; how much that was."""
        taken = await self.courier.take(self.bench.now)
        await asyncio.gather(*(self.courier.send(one) for one in taken))
        return len(taken)

    async def sent(self, name: str = MESSAGE) -> Sent:
        found = await self.bench.store.outbound.find(name)
        assert found is not None
        return found

    async def on(self) -> timedelta:
        """Let time pass until the next try; how much that was."""
        due = (await self.sent()).due_at
        assert due is not None
        wait = due - self.bench.now
        self.bench.now = due
        assert await self.go() == 1
        return wait

    async def said(self) -> list[int | str | None]:
        """The statuses of the tries, or why there was none."""
        return [one.status or one.error for one in (await self.sent()).tries]


@contextlib.asynccontextmanager
async def posted(
    folder: Path,
    names: Names | None = None,
    *,
    rules: UrlRules | None = None,
    patience: float = 5.0,
    room: Room | None = None,
    trust: ssl.SSLContext | None = None,
) -> AsyncGenerator[Post]:
    policy = Policy(rules or UrlRules(allow_loopback=True), names or Names())
    async with opened(folder) as bench, guarded_session(policy, trust) as session:

        async def secrets(owner_id: int) -> Sequence[str]:
            return made.secrets if owner_id else ()

        async def may_know(_: About | None) -> bool | None:
            return made.known

        courier = Courier(
            bench.store,
            session,
            policy.rules,
            secrets,
            may_know,
            lambda: bench.now,
            lambda _: 0.01,
            patience,
            room or Room(),
        )
        made = Post(bench, courier)
        yield made


async def test_a_message_is_signed_and_sent_as_it_is(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, receiver() as there:
        await office.keep(there.url)
        assert await office.go() == 1
        (got,) = there.got
        assert got.body == BODY.encode()
        assert (got.id, got.at) == (MESSAGE, NOON)
        assert got.headers["content-type"] == "application/json"
        assert got.signed_with(OLD)
        assert not got.signed_with(NEW)
        sent = await office.sent()
        assert (sent.state, await office.said()) == (Sending.DELIVERED, [204])
        assert sent.tries[0].at == NOON
        assert await office.go() == 0


async def test_it_is_signed_at_the_time_of_sending_whatever_was_waited_for(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, receiver() as there:
        secrets = office.courier.secrets

        async def slow(owner_id: int) -> Sequence[str]:
            office.bench.now += 10 * MINUTE
            return await secrets(owner_id)

        office.courier.secrets = slow
        await office.keep(there.url)
        await office.go()
        (got,) = there.got
        assert got.at == NOON + 10 * MINUTE
        assert got.signed_with(OLD)
        assert (await office.sent()).tries[0].at == NOON, "when the try began"


async def test_one_that_is_down_for_a_while_gets_the_same_message_later(tmp_path: Path) -> None:
    port = free_port()
    async with posted(tmp_path) as office:
        await office.keep(f"http://127.0.0.1:{port}/hook")
        assert await office.go() == 1
        waits = [await office.on() for _ in range(3)]
        assert waits == [SECOND, 2 * SECOND, 4 * SECOND]
        assert await office.said() == ["it could not be connected to"] * 4
        async with receiver(port=port) as there:
            wait = await office.on()
            assert 4.5 * MINUTE <= wait <= 5.5 * MINUTE
            (got,) = there.got
            assert (got.id, got.body) == (MESSAGE, BODY.encode())
            assert got.at == office.bench.now.replace(microsecond=0), "the time of this try"
            assert got.signed_with(OLD)
        assert (await office.sent()).state is Sending.DELIVERED


async def test_it_is_given_up_after_a_day(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, receiver(500) as there:
        await office.keep(there.url)
        await office.go()
        with capture_logs() as lines:
            while (await office.sent()).state is Sending.WAITING:
                await office.on()
        assert office.bench.now == NOON + A_DAY
        assert (await office.sent()).state is Sending.FAILED
        assert await office.said() == [500] * 10
        assert {got.id for got in there.got} == {MESSAGE}
        assert lines[-1] == {
            "event": "webhook given up",
            "log_level": "warning",
            "message": MESSAGE,
            "problem": "it answered 500",
        }


async def test_a_slow_one_is_not_waited_for(tmp_path: Path) -> None:
    held = asyncio.Event()
    async with posted(tmp_path, patience=0.1) as office, receiver(held=held) as there:
        await office.keep(there.url)
        assert await office.go() == 1
        sent = await office.sent()
        assert sent.state is Sending.WAITING
        (tried,) = sent.tries
        assert (tried.status, tried.error) == (None, "it did not answer in time")
        assert tried.milliseconds >= 90


async def test_slow_ones_leave_places_to_others(tmp_path: Path) -> None:
    held = asyncio.Event()
    room = Room(in_all=4, to_host=2, of_lane=2)
    async with (
        posted(tmp_path, Names(localhost=[["127.0.0.1"]]), room=room) as office,
        receiver(held=held) as slow,
        receiver() as quick,
    ):
        for number in range(5):
            await office.keep(slow.url, f"slow-{number}")
        await office.keep(f"http://localhost:{quick.port}/", "quick")
        taken = await office.courier.take(office.bench.now)
        assert {one.id for one in taken} == {"slow-0", "slow-1", "quick"}
        sending = asyncio.gather(*(office.courier.send(one) for one in taken))
        await until(lambda: bool(quick.got and len(slow.got) == 2), "what there is room for")

        async def delivered() -> bool:
            return (await office.sent("quick")).state is Sending.DELIVERED

        await until(delivered, "the quick one")
        assert await office.go() == 0, "the host of the others is busy"
        held.set()
        await sending
        while await office.go():
            pass
        assert len(slow.got) == 5


async def test_two_owners_with_slow_receivers_hold_up_no_third(tmp_path: Path) -> None:
    held = asyncio.Event()
    names = Names(localhost=[["127.0.0.1"]])
    async with posted(tmp_path, names) as office, receiver(held=held) as slow, receiver() as quick:
        for number in range(50):
            for owner, host in ((1, "127.0.0.1"), (2, "localhost")):
                url = f"http://{host}:{slow.port}/"
                await office.keep(url, f"slow-{owner}-{number}", owner)
        sending: list[asyncio.Task[None]] = []
        taking = True
        while taking:
            taken = await office.courier.take(office.bench.now)
            sending += [asyncio.create_task(office.courier.send(one)) for one in taken]
            taking = bool(taken)
        await until(lambda: len(slow.got) == len(sending), "all that they may send at a time")
        await office.keep(quick.url, "quick", owner=3)
        assert await office.go() == 1
        assert (await office.sent("quick")).state is Sending.DELIVERED
        held.set()
        await asyncio.gather(*sending)


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, receiver() as elsewhere:
        moved = web.Response(status=307, headers={"Location": elsewhere.url})
        async with receiver(moved) as there:
            await office.keep(there.url)
            await office.go()
            assert (await office.said(), elsewhere.got) == ([307], [])
            assert (await office.sent()).state is Sending.WAITING


@pytest.mark.parametrize("status", [410, 404, 400])
async def test_a_refusal_ends_it_at_once(tmp_path: Path, status: int) -> None:
    async with posted(tmp_path) as office, receiver(status) as there:
        await office.keep(there.url)
        await office.go()
        assert ((await office.sent()).state, await office.said()) == (Sending.FAILED, [status])
        office.bench.now += A_DAY
        assert (await office.go(), len(there.got)) == (0, 1)


def busy(status: int, when: str) -> web.Response:
    return web.Response(status=status, headers={"Retry-After": when})


@pytest.mark.parametrize(
    ("status", "when", "wait"),
    [
        (429, "120", 120 * SECOND),
        (503, format_datetime(NOON + HOUR, usegmt=True), HOUR),
        (503, "Sun, 01 Mar 2026 12:30:00 -0000", 30 * MINUTE),
        (429, format_datetime(NOON - HOUR, usegmt=True), SECOND),
        (429, "172800", A_DAY),
        (429, "Fri, 31 Dec 9999 23:59:59 GMT", A_DAY),
        (429, "soon", SECOND),
        (429, "1" * 500, SECOND),
        (429, "Sun, 01 Mar 2026 12:30:00 +99999999999999999999", SECOND),
        (500, "120", SECOND),
    ],
)
async def test_a_busy_one_says_when(
    tmp_path: Path, status: int, when: str, wait: timedelta
) -> None:
    async with posted(tmp_path) as office, receiver(busy(status, when), 200) as there:
        await office.keep(there.url)
        await office.go()
        assert await office.on() == wait
        assert await office.said() == [status, 200]
        assert len(there.got) == 2


async def test_while_a_secret_is_replaced_both_sign(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, receiver(500, 500, 200) as there:
        await office.keep(there.url)
        await office.go()
        office.secrets = [NEW, OLD]
        await office.on()
        office.secrets = [NEW]
        await office.on()
        assert [(got.signed_with(OLD), got.signed_with(NEW)) for got in there.got] == [
            (True, False),
            (True, True),
            (False, True),
        ]
        assert len({got.headers["webhook-timestamp"] for got in there.got}) == 3
        assert {got.id for got in there.got} == {MESSAGE}
        assert len(there.got[1].headers["webhook-signature"].split(" ")) == 2


async def test_without_a_secret_nothing_is_sent(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, receiver() as there:
        office.secrets = []
        await office.keep(there.url)
        await office.go()
        assert ((await office.sent()).state, await office.said()) == (Sending.FAILED, [UNSIGNED])
        assert there.got == []
        office.secrets = [NEW]
        await office.bench.store.outbound.send_again(MESSAGE, office.bench.now)
        await office.go()
        assert await office.said() == [UNSIGNED, 204]
        assert there.got[0].signed_with(NEW)


async def test_a_secret_that_cannot_be_read_may_be_readable_later(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, receiver() as there:

        async def sealed(_: int) -> Sequence[str]:
            raise WrongKey("another one")

        office.courier.secrets, secrets = sealed, office.courier.secrets
        await office.keep(there.url)
        await office.go()
        office.courier.secrets = secrets
        await office.on()
        assert await office.said() == [SEALED, 204]


async def test_an_owner_who_may_not_be_told_any_more_is_not(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, receiver() as there:
        office.known = None
        await office.keep(there.url)
        await office.go()
        assert ((await office.sent()).state, await office.said()) == (Sending.WAITING, [UNSAID])
        office.known = False
        await office.on()
        assert (await office.sent()).state is Sending.FAILED
        assert (await office.said(), there.got) == ([UNSAID, UNSEEN], [])


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::7f00:1"]
)
async def test_a_name_that_has_become_private_is_not_called(tmp_path: Path, address: str) -> None:
    async with ear() as server:
        rules = UrlRules(ports=frozenset({server.port}))
        names = Names(hook=[["93.184.215.14"], [address]])
        async with posted(tmp_path, names, rules=rules) as office:
            url = f"https://hook.test:{server.port}/"
            await check_url(url, Policy(rules, names))
            await office.keep(url)
            await office.go()
            assert (await office.sent()).state is Sending.WAITING, "as one that has none"
            assert await office.said() == ["its host has no address that is allowed"]
        assert server.heard == 0


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://169.254.169.254/latest/meta-data/", "its address is not allowed"),
        ("https://[::ffff:10.0.0.1]/", "its address is not allowed"),
        ("http://127.0.0.1:{port}/", "it must begin with https://"),
        ("https://127.0.0.1:{port}/", "its address is not allowed"),
    ],
)
async def test_what_the_operator_allows_no_longer_is_not_called(
    tmp_path: Path, url: str, why: str
) -> None:
    async with ear() as server:
        rules = UrlRules(ports=frozenset({443, server.port}))
        async with posted(tmp_path, rules=rules) as office:
            await office.keep(url.format(port=server.port))
            await office.go()
            assert ((await office.sent()).state, await office.said()) == (Sending.FAILED, [why])
        assert server.heard == 0


async def test_a_name_that_does_not_resolve_may_do_so_later(tmp_path: Path) -> None:
    async with receiver() as there:
        names = Names(localhost=[[], ["127.0.0.1"]])
        async with posted(tmp_path, names) as office:
            await office.keep(f"http://localhost:{there.port}/")
            await office.go()
            await office.on()
            assert await office.said() == ["its host has no address that is allowed", 204]


async def test_a_name_that_nobody_looks_up_in_time_may_be_known_later(tmp_path: Path) -> None:
    async with receiver() as there:
        names = Names(localhost=[1.0, ["127.0.0.1"]])
        async with posted(tmp_path, names) as office:
            await office.keep(f"http://localhost:{there.port}/")
            await office.go()
            await office.on()
            assert await office.said() == ["its host could not be looked up", 204]


async def test_an_address_that_is_not_allowed_is_not_called_whatever_led_there() -> None:
    async with ear() as server, guarded_session(Policy(UrlRules(), Names())) as session:
        url = URL(f"https://127.0.0.1:{server.port}/")
        with pytest.raises(Unanswered, match="its address is not allowed") as error:
            await call(session, url, b"", {}, patience=5.0, now=NOON)
        assert not error.value.again
        assert server.heard == 0


@contextlib.asynccontextmanager
async def raw(answer: bytes, secure: ssl.SSLContext | None = None) -> AsyncGenerator[str]:
    """A server that says this, whatever it is asked."""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        with contextlib.suppress(OSError):
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0, ssl=secure)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "it cut the connection"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "what it answered is not HTTP"),
        (OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n", "what it answered is not HTTP"),
        (OK + b"Content-Length: 5\r\n\r\nhi", 200),
        (OK + b"Content-Length: 10000000\r\n\r\n" + b"a" * 10_000_000, 200),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", 200),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nnope", "what it answered is not HTTP"),
    ],
)
async def test_strange_answers(tmp_path: Path, answer: bytes, said: int | str) -> None:
    async with posted(tmp_path) as office, raw(answer) as place:
        await office.keep(f"http://{place}/")
        await office.go()
        assert await office.said() == [said]


async def test_a_plain_server_is_no_encrypted_one(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, raw(OK + b"\r\n") as place:
        await office.keep(f"https://{place}/")
        await office.go()
        assert await office.said() == ["no encrypted connection could be made"]


def certificate(folder: Path) -> ssl.SSLContext:
    """Of a server that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - HOUR)
        .not_valid_after(now + HOUR)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "server.pem"
    file.write_bytes(key.private_bytes(pem, *plain) + made.public_bytes(pem))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


async def test_a_server_that_nobody_vouches_for_hears_nothing(tmp_path: Path) -> None:
    async with (
        posted(tmp_path) as office,
        raw(OK + b"\r\n", certificate(tmp_path)) as place,
    ):
        await office.keep(f"https://{place}/")
        await office.go()
        assert await office.said() == ["its certificate is not valid"]


async def test_a_mistake_of_ours_is_a_failed_try(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, receiver() as there:
        office.secrets = ["whsec_"]
        await office.keep(there.url)
        with capture_logs() as lines:
            await office.go()
        assert [line["event"] for line in lines] == ["effect failed", "webhook put off"]
        assert await office.said() == [OUR_MISTAKE]
        office.secrets = [OLD]
        await office.on()
        assert there.got[0].signed_with(OLD)


async def test_stopped_between_sending_and_writing_down_it_is_sent_again_by_the_same_id(
    tmp_path: Path,
) -> None:
    held = asyncio.Event()
    async with receiver(held=held) as there:
        async with posted(tmp_path) as office:
            await office.keep(there.url)
            (message,) = await office.courier.take(office.bench.now)
            sending = asyncio.create_task(office.courier.send(message))
            await until(lambda: len(there.got) == 1, "the first try")
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        held.set()
        async with posted(tmp_path) as office:
            await office.go()
            assert (await office.sent()).state is Sending.DELIVERED
        assert [got.id for got in there.got] == [MESSAGE, MESSAGE]


async def test_a_failing_database_makes_nothing_be_sent_twice(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, receiver() as there:
        engine = office.bench.store._engine

        async def full(pages: int) -> None:
            # It holds for the connection that writes, and that is the store's own.
            sql = f"PRAGMA max_page_count = {pages}"
            await engine.write(lambda db: db.conn.execute(sql).fetchone())

        await office.bench.sql("CREATE TABLE much (it BLOB)")
        await office.bench.sql(
            "CREATE TRIGGER no BEFORE INSERT ON outbound_tries "
            "BEGIN INSERT INTO much VALUES (zeroblob(1000000)); END"
        )
        failures = iter([StorageFailed("no room"), None])
        secrets = office.courier.secrets

        async def failing(owner_id: int) -> Sequence[str]:
            if (error := next(failures)) is not None:
                raise error
            return await secrets(owner_id)

        office.courier.secrets = failing
        await office.keep(there.url)
        await full(1)
        with capture_logs() as lines:
            going = asyncio.create_task(office.go())
            await until(lambda: len(lines) > 3, "failures")
            await full(10**6)
            await going
        assert {line["event"] for line in lines} == {"the database fails"}
        assert (await office.said(), len(there.got)) == ([204], 1)


async def test_a_mistake_in_writing_down_keeps_it_from_being_sent_at_once(tmp_path: Path) -> None:
    async with posted(tmp_path) as office, receiver() as there:
        waits: list[int] = []
        office.courier.backoff = lambda tries: 0.0 * (waits.append(tries) or 1)
        await office.bench.sql(
            "CREATE TRIGGER no BEFORE INSERT ON outbound_tries "
            "BEGIN SELECT RAISE(ABORT, 'spoilt'); END"
        )
        await office.keep(there.url)
        with capture_logs() as lines:
            await office.go()
        assert [line["event"] for line in lines] == ["effect failed"]
        assert waits == [10]
        await office.bench.sql("DROP TRIGGER no")
        await office.go()
        assert [got.id for got in there.got] == [MESSAGE, MESSAGE]
