"""What an operator is told when nobody can sign in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from yarl import URL

from bot.http.limiting import Limits
from simulator import Fault
from tests.http_sign_in import PAGE, Visitor, another, at_the_door
from tests.http_tasks import Reply
from tests.story import Stage

JSON = {"Accept": "application/json"}
PATH = "/api/auth/diagnostics"


def states(answer: Reply) -> dict[str, str]:
    assert answer.status == 200
    return {one["subject"]: one["state"] for one in answer.body["checks"]}


def remedy(answer: Reply, subject: str) -> str:
    return next(one["remedy"] for one in answer.body["checks"] if one["subject"] == subject)


async def looked(visitor: Visitor, headers: Mapping[str, str] = PAGE) -> Reply:
    """Open it in a browser, which is sent on once."""
    first = await visitor.get(PATH, headers)
    assert first.status == 303
    return await visitor.get(first.headers["Location"], headers)


async def test_all_is_well(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        answer = await looked(alice)
        assert states(answer) == {
            "base URL": "ok",
            "address": "ok",
            "callback URL": "ok",
            "client": "ok",
            "clock": "ok",
            "cookie": "ok",
            "visitors": "ok",
            "last sign-in": "ok",
        }
        assert answer.body["ok"] is True
        assert answer.headers["Cache-Control"] == "no-store"
        assert f"{alice.url}/api/auth/github/callback" in answer.raw.decode()
        secret = alice.stage.settings.client_secret
        assert secret is not None
        assert secret.get_secret_value() not in answer.raw.decode()


async def test_a_program_is_told_without_a_cookie(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        answer = await alice.get(PATH, JSON)
        assert states(answer)["cookie"] == "unchecked"
        assert answer.body["ok"] is True
        assert (await alice.get(f"{PATH}?probe=begin", JSON)).status == 303


async def test_a_browser_that_keeps_no_cookies_is_found_out(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        first = await alice.get(PATH)
        for cookie in ({}, {"bellhop-probe": "of-another-time"}, {"bellhop-probe": "\xff"}):
            alice.cookies = cookie
            answer = await alice.get(first.headers["Location"])
            assert states(answer)["cookie"] == "problem"
            assert answer.body["ok"] is False
        odd = await alice.get(f"{PATH}?probe=%FF%00", PAGE)
        assert states(odd)["cookie"] == "problem"


async def test_another_address_than_the_base_url_is_found_out(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        other = f"localhost:{alice.stage.settings.port}"
        answer = await alice.get(PATH, JSON | {"Host": other})
        assert states(answer)["address"] == "problem"
        assert "BELLHOP_BASE_URL" in remedy(answer, "address")
        for host in ("a b", "[", "", "x:y", "[a]@", "evil.test"):
            odd = await alice.get(PATH, JSON | {"Host": host})
            assert odd.status == 400 or states(odd)["address"] == "problem", host


async def test_a_proxy_that_is_not_listened_to_is_found_out(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        answer = await alice.get(PATH, JSON | {"X-Real-IP": "203.0.113.7"})
        assert states(answer)["visitors"] == "warning"
        assert "X-Real-IP" in remedy(answer, "visitors")
        assert answer.body["ok"] is True, "people can sign in"


async def test_a_proxy_that_does_not_say_what_it_should_is_found_out(tmp_path: Path) -> None:
    async with at_the_door(tmp_path, client_address_header="X-Real-IP") as alice:
        for told, state in (("203.0.113.7", "ok"), ("unknown", "warning")):
            answer = await alice.get(PATH, JSON | {"X-Real-IP": told})
            assert states(answer)["visitors"] == state
        answer = await alice.get(PATH, JSON | {"X-Forwarded-For": "203.0.113.7"})
        assert states(answer)["visitors"] == "warning"


async def test_plain_http_is_found_out(tmp_path: Path) -> None:
    async with at_the_door(tmp_path, base_url="http://bellhop.test") as alice:
        answer = await alice.get(PATH, JSON)
        assert states(answer)["base URL"] == "problem"


async def test_a_missing_secret_is_found_out(tmp_path: Path) -> None:
    async with at_the_door(tmp_path, client_secret=None) as alice:
        answer = await alice.get(PATH, JSON)
        found = states(answer)
        assert (found["client"], found["clock"]) == ("problem", "unchecked")
        assert "BELLHOP_CLIENT_SECRET" in remedy(answer, "client")


async def test_a_wrong_secret_is_found_out(tmp_path: Path) -> None:
    async with at_the_door(tmp_path, client_secret="not-the-apps") as alice:
        answer = await alice.get(PATH, JSON)
        assert states(answer)["client"] == "problem"
        assert "not-the-apps" not in answer.raw.decode()


async def test_a_clock_that_is_off_is_found_out(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        alice.stage.clock.offset += timedelta(minutes=5)
        answer = await alice.get(PATH, JSON)
        assert states(answer)["clock"] == "problem"
        assert "NTP" in remedy(answer, "clock")


async def test_a_github_that_does_not_answer_is_told_and_soon_asked_again(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        sim = alice.stage.sim
        path = f"/applications/{sim.app.client_id}/token"

        def asked() -> int:
            return sum(one.path == path for one in sim.requests)

        sim.faults.add(Fault(path=path, kind="cut_before"))
        found = states(await alice.get(PATH, JSON))
        assert (found["client"], found["clock"]) == ("problem", "unchecked")
        assert states(await alice.get(PATH, JSON))["client"] == "problem"
        assert asked() == 1, "GitHub is asked now and then"
        alice.stage.clock.offset += timedelta(seconds=30)
        sim.faults.add(Fault(path=path, kind="status", status=500))
        assert states(await alice.get(PATH, JSON))["client"] == "unchecked"
        alice.stage.clock.offset += timedelta(seconds=30)
        assert states(await alice.get(PATH, JSON))["client"] == "ok"


async def test_the_last_sign_in_that_failed_is_remembered(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        page = await alice.begin()
        callback = "/api/auth/github/callback"
        await alice.get(f"{callback}?error=redirect_uri_mismatch&state={page.query['state']}")
        answer = await alice.get(PATH, JSON)
        assert states(answer)["last sign-in"] == "problem"
        assert "callback URLs" in remedy(answer, "last sign-in")
        page = await alice.begin()
        await alice.get(f"{callback}?error=access_denied&state={page.query['state']}")
        assert states(await alice.get(PATH, JSON))["last sign-in"] == "problem"
        await another(alice).sign_in("alice")
        assert states(await alice.get(PATH, JSON))["last sign-in"] == "ok"


async def test_looks_are_limited(tmp_path: Path) -> None:
    def few(stage: Stage) -> None:
        stage.tempo = type(stage.tempo)(
            clock=stage.clock, github_clock=stage.clock, limits=Limits(sign_ins=2)
        )

    async with at_the_door(tmp_path, prepare=few) as alice:
        seen: list[Any] = [(await alice.get(PATH, JSON)).status for _ in range(3)]
        assert seen == [200, 200, 429]
        assert str(URL(PATH)) == PATH
