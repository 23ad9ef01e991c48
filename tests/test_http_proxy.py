"""Behind a proxy: whose request it is, for the limits that an address has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from multidict import CIMultiDict
from pydantic import ValidationError

from bot.http.limiting import Limits
from bot.settings import Settings
from tests.door import Door, door
from tests.http_sign_in import PAGE, at_the_door
from tests.story import Stage

FEW = Limits(failures=2, sign_ins=2)
HEADER = "X-Forwarded-For"


async def guesses(here: Door, headers: Mapping[str, str]) -> int:
    """The answer to a key that is none."""
    sent = CIMultiDict([*headers.items(), ("Authorization", "Bearer bh_guess")])
    async with here.client.get("/session", headers=sent) as answer:
        return answer.status


async def test_each_visitor_has_limits_of_their_own(tmp_path: Path) -> None:
    async with door(tmp_path, limits=FEW, address_header=HEADER) as here:
        for address in ("203.0.113.7", "203.0.113.8", "2001:db8::1", "2001:db8:0:1::1"):
            got = [await guesses(here, {HEADER: address}) for _ in range(3)]
            assert got == [401, 401, 429], address
        assert await guesses(here, {HEADER: "2001:db8::2"}) == 429, "the same network"


async def test_what_clients_write_into_the_header_counts_for_nothing(tmp_path: Path) -> None:
    """The proxy appends what it sees, to their line or as one of its own."""
    async with door(tmp_path, limits=FEW, address_header=HEADER) as here:
        assert await guesses(here, {HEADER: "198.51.100.1, 203.0.113.7"}) == 401
        assert await guesses(here, {HEADER: "198.51.100.2,203.0.113.7"}) == 401
        lines = CIMultiDict([(HEADER, "198.51.100.3"), (HEADER, "203.0.113.7")])
        assert await guesses(here, lines) == 429


@pytest.mark.parametrize("said", [{}, {HEADER: ""}, {HEADER: "unknown"}, {HEADER: "203.0.113.7,"}])
async def test_what_is_no_address_is_not_believed(tmp_path: Path, said: dict[str, str]) -> None:
    async with door(tmp_path, limits=FEW, address_header=HEADER) as here:
        assert [await guesses(here, {}), await guesses(here, said)] == [401, 401]
        assert await guesses(here, said) == 429, "it counts for whoever is connected"


async def test_without_the_setting_nobody_is_believed(tmp_path: Path) -> None:
    async with door(tmp_path, limits=FEW) as here:
        got = [await guesses(here, {HEADER: f"203.0.113.{number}"}) for number in range(3)]
        assert got == [401, 401, 429]


async def test_a_stranger_keeps_nobody_behind_the_same_proxy_from_signing_in(
    tmp_path: Path,
) -> None:
    def few(stage: Stage) -> None:
        stage.tempo = replace(stage.tempo, limits=FEW)

    async with at_the_door(tmp_path, prepare=few, client_address_header="Fly-Client-IP") as alice:
        words: list[str] = []
        for _ in range(3):
            page = await alice.begin()
            path = f"/api/auth/github/callback?code=none&state={page.query['state']}"
            answer = await alice.get(path, PAGE | {"Fly-Client-IP": "198.51.100.1"})
            words.append(answer.headers["Location"].rpartition("=")[2])
        assert words == ["code", "code", "too_many"]
        back = await alice.agree(await alice.begin(), "alice")
        answer = await alice.get(back, PAGE | {"Fly-Client-IP": "203.0.113.7"})
        assert answer.headers["Location"] == "/"


def test_the_setting_is_the_name_of_a_header() -> None:
    assert Settings(_env_file=None).client_address_header == ""  # pyright: ignore[reportCallIssue] - pydantic-settings takes it
    with pytest.raises(ValidationError):
        Settings(_env_file=None, client_address_header="X-Real-IP: 1")  # pyright: ignore[reportCallIssue] - as above
