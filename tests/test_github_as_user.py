"""GitHub in people's own names: each with a token and a memory of their own."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from bot.github.as_user import A_WHILE, KEPT, MOST_PEOPLE, AsUser
from bot.github.errors import Limited, Refused, Unavailable
from bot.github.packed import OVERHEAD, Packed
from bot.github.personal import OwnRepository
from bot.github.questions import MOST_REPOSITORIES
from bot.user_tokens import SignInAgain
from handlers.roles import Role
from handlers.values import Person
from tests.github_support import FakeServer, JumpingClock, Reply, scripted
from tests.makers import ADA, BOB
from tests.story import until

ADA_ON_GITHUB = {"id": 1, "login": "ada", "html_url": "https://github.test/ada"}
WHO = "/user"
PLACES = "/user/installations"
NOT_MODIFIED = Reply(304)
DEAD = Reply(401, {"message": "Bad credentials"})


@dataclass
class Wallet:
    """People's tokens: the first is the one; a refused one is dropped."""

    tokens: dict[int, list[str]] = field(
        default_factory=lambda: {ADA.id: ["ghu_ada"], BOB.id: ["ghu_bob"]}
    )

    async def token(self, person: Person) -> SecretStr:
        if not self.tokens.get(person.id):
            raise SignInAgain
        return SecretStr(self.tokens[person.id][0])

    async def refused(self, person: Person, token: SecretStr) -> None:
        self.tokens[person.id].remove(token.get_secret_value())


@dataclass(frozen=True)
class Scene:
    as_user: AsUser
    server: FakeServer
    clock: JumpingClock
    wallet: Wallet

    def conditions(self, path: str) -> list[str | None]:
        """The ETags that requests came with, in order."""
        return [one.headers.get("if-none-match") for one in self.server.to(path)]


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    async with scripted() as (github, server):
        wallet = Wallet()
        yield Scene(AsUser(github.new_api, wallet, github.clock), server, server.clock, wallet)


def tagged(data: object, tag: str = '"1"', link: str | None = None) -> Reply:
    return Reply(200, data, {"ETag": tag, **({"Link": link} if link else {})})


def place(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "account": {"id": 90 + number, "login": f"org{number}", "type": "Organization"},
        "repository_selection": "all",
        "permissions": {"issues": "write"},
        "suspended_at": None,
        "html_url": f"https://github.test/settings/installations/{number}",
        **changes,
    }


def places(*numbers: int) -> dict[str, Any]:
    return {"total_count": len(numbers), "installations": [place(one) for one in numbers]}


def repository(name: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "full_name": name,
        "private": True,
        "description": None,
        "default_branch": "main",
        "permissions": {"pull": True, "push": True},
        "html_url": f"https://github.test/{name}",
        **changes,
    }


def repositories(*names: str) -> dict[str, Any]:
    return {"total_count": len(names), "repositories": [repository(name) for name in names]}


def within(number: int) -> str:
    return f"/user/installations/{number}/repositories"


async def test_each_person_asks_with_their_own_token() -> None:
    async with scene() as here:
        here.server.on("GET", WHO, Reply(200, ADA_ON_GITHUB))
        for person in (ADA, BOB):
            await here.as_user.profile(person)
        sent = [one.headers["authorization"] for one in here.server.seen]
        assert sent == ["Bearer ghu_ada", "Bearer ghu_bob"]


async def test_what_has_not_changed_is_asked_for_by_its_etag() -> None:
    async with scene() as here:
        here.server.on("GET", WHO, tagged(ADA_ON_GITHUB), NOT_MODIFIED)
        first = await here.as_user.profile(ADA)
        assert await here.as_user.profile(ADA) == first
        assert here.conditions(WHO) == [None, '"1"']
        assert (first.login, first.name, first.url) == ("ada", "", "https://github.test/ada")


async def test_what_has_changed_comes_anew() -> None:
    async with scene() as here:
        later = {**ADA_ON_GITHUB, "name": "Ada L."}
        here.server.on("GET", WHO, tagged(ADA_ON_GITHUB), tagged(later, '"2"'), NOT_MODIFIED)
        names = [(await here.as_user.profile(ADA)).name for _ in range(3)]
        assert names == ["", "Ada L.", "Ada L."]
        assert here.conditions(WHO) == [None, '"1"', '"2"']


async def test_nobody_is_told_what_another_saw() -> None:
    async with scene() as here:
        here.server.on("GET", PLACES, tagged(places(1)), tagged(places(), '"2"'))
        here.server.on("GET", within(1), tagged(repositories("org1/secret")))
        assert (await here.as_user.all_repositories(ADA)).items
        assert not (await here.as_user.all_repositories(BOB, patient=True)).items
        assert here.conditions(PLACES) == [None, None]
        assert len(here.server.to(within(1))) == 1


async def test_whoever_signs_out_is_forgotten() -> None:
    async with scene() as here:
        here.server.on("GET", PLACES, tagged(places()))
        await here.as_user.all_repositories(ADA)
        assert here.as_user.knows(ADA.id)
        here.as_user.forget(ADA.id)
        assert not here.as_user.knows(ADA.id)
        await here.as_user.all_repositories(ADA, patient=True)
        assert here.conditions(PLACES) == [None, None]


async def test_an_answer_that_comes_after_the_sign_out_is_kept_by_nobody() -> None:
    async with scene() as here:
        here.server.on("GET", PLACES, tagged(places()))
        asking = asyncio.create_task(here.as_user.all_repositories(ADA))
        await until(lambda: bool(here.server.to(PLACES)), "the question")
        here.as_user.forget(ADA.id)
        await asking
        assert not here.as_user.knows(ADA.id)


async def test_nobody_is_kept_for_ever() -> None:
    async with scene() as here:
        here.server.on("GET", WHO, tagged(ADA_ON_GITHUB))
        await here.as_user.profile(ADA)
        here.clock.now += KEPT
        assert not here.as_user.knows(ADA.id)
        here.wallet.tokens = {number: ["ghu_x"] for number in range(MOST_PEOPLE + 1)}
        for number in range(MOST_PEOPLE + 1):
            await here.as_user.profile(Person(number, f"p{number}"))
        assert not here.as_user.knows(0)
        assert here.as_user.knows(MOST_PEOPLE)


async def test_who_types_is_told_what_was_heard_a_moment_ago() -> None:
    async with scene() as here:
        here.server.on("GET", PLACES, tagged(places(1)))
        here.server.on("GET", within(1), tagged(repositories("org1/a")))
        first = await here.as_user.all_repositories(ADA)
        assert await here.as_user.all_repositories(ADA, patient=True) == first
        assert len(here.server.seen) == 2
        await here.as_user.all_repositories(ADA)
        assert len(here.server.seen) == 4
        here.clock.now += A_WHILE
        await here.as_user.all_repositories(ADA, patient=True)
        assert len(here.server.seen) == 6


async def test_whole_answers_are_kept_no_longer_than_they_are_believed() -> None:
    """Unpacked they are large: of many people who looked within the hour they would fill memory."""
    async with scene() as here:
        here.server.on("GET", PLACES, tagged(places(1)))
        here.server.on("GET", within(1), tagged(repositories("org1/a")))
        before = repositories_in_memory()
        await here.as_user.all_repositories(ADA)
        assert repositories_in_memory() == before + 1
        here.clock.now += A_WHILE
        await here.as_user.installations(BOB)
        assert repositories_in_memory() == before
        await here.as_user.all_repositories(ADA)
        here.as_user.forget(ADA.id)
        assert repositories_in_memory() == before


def repositories_in_memory() -> int:
    gc.collect()
    return sum(type(one) is OwnRepository for one in gc.get_objects())


async def test_issues_of_another_repository_are_other_issues() -> None:
    async with scene() as here:
        for name in ("a", "b"):
            here.server.on("GET", f"/repos/org/{name}/issues", tagged([issue(title=name)]))
        for name in ("a", "b", "a"):
            found = await here.as_user.issues(ADA, f"org/{name}", patient=True)
            assert found is not None
            assert [one.title for one in found.items] == [name]
        assert len(here.server.seen) == 3


def issue(**changes: Any) -> dict[str, Any]:
    return {
        "number": 7,
        "title": "The door squeaks",
        "state": "open",
        "user": {"id": 3, "login": "tina", "type": "User"},
        "html_url": "https://github.test/org/a/issues/7",
        "updated_at": "2026-03-01T12:00:00Z",
        "body": None,
        "locked": False,
        "comments": 2,
        **changes,
    }


async def test_an_issue() -> None:
    async with scene() as here:
        pull = issue(user=None, pull_request={}, body="Oil it.")
        here.server.on("GET", "/repos/org/a/issues/7", Reply(200, issue()), Reply(200, pull))
        first = await here.as_user.issue(ADA, "org/a", 7)
        second = await here.as_user.issue(ADA, "org/a", 7)
        assert first is not None
        assert second is not None
        assert (first.author, first.is_pull_request, first.body) == ("tina", False, "")
        assert (second.author, second.is_pull_request, second.body) == ("ghost", True, "Oil it.")


@pytest.mark.parametrize("status", [404, 410])
async def test_what_is_not_there_is_none(status: int) -> None:
    async with scene() as here:
        here.server.on("GET", "/repos/org/a/issues/7", Reply(status, {"message": "No"}))
        here.server.on("GET", "/repos/org/a/issues", Reply(status, {"message": "No"}))
        assert await here.as_user.issue(ADA, "org/a", 7) is None
        assert await here.as_user.issues(ADA, "org/a") is None


async def test_other_refusals_are_refusals() -> None:
    async with scene() as here:
        here.server.on("GET", "/repos/org/a/issues/7", Reply(403, {"message": "SSO"}))
        with pytest.raises(Refused, match="SSO"):
            await here.as_user.issue(ADA, "org/a", 7)
        here.server.on("GET", PLACES, Reply(200, places(1)))
        here.server.on("GET", within(1), Reply(400, {"message": "What?"}))
        with pytest.raises(Refused):
            await here.as_user.all_repositories(ADA)


async def test_lists_are_read_to_their_end() -> None:
    async with scene() as here:
        url = here.server.url
        here.server.on(
            "GET",
            "/user/orgs",
            tagged([{"id": 1, "login": "one"}], link=f'<{url}/user/orgs?page=2>; rel="next"'),
            Reply(200, [{"id": 2, "login": "two", "description": "The second."}]),
        )
        found = await here.as_user.orgs(ADA)
        told = [(one.login, one.description) for one in found.items]
        assert told == [("one", ""), ("two", "The second.")]
        assert found.complete


async def test_a_list_without_an_end_is_cut() -> None:
    async with scene() as here:
        link = f'<{here.server.url}{within(1)}?page=2>; rel="next"'
        many = repositories(*(f"org1/r{number}" for number in range(100)))
        here.server.on("GET", PLACES, Reply(200, places(1, 2)))
        here.server.on("GET", within(1), tagged(many, link=link))
        found = await here.as_user.all_repositories(ADA)
        assert (len(found.items), found.complete) == (MOST_REPOSITORIES, False)
        assert not here.server.to(within(2))
        assert len((await here.as_user.repositories(ADA, 1)).items) == MOST_REPOSITORIES


async def test_an_empty_page_ends_a_list() -> None:
    async with scene() as here:
        link = f'<{here.server.url}{PLACES}?page=2>; rel="next"'
        here.server.on("GET", PLACES, tagged(places(), link=link))
        assert (await here.as_user.installations(ADA)).complete
        assert len(here.server.seen) == 1


async def test_repositories_stand_by_name_with_what_may_be_done_there() -> None:
    async with scene() as here:
        here.server.on("GET", PLACES, Reply(200, places(1, 2)))
        here.server.on("GET", within(1), Reply(200, repositories("org1/b", "org1/A")))
        admin = repository("Org0/z", permissions={"admin": True}, archived=True)
        here.server.on("GET", within(2), Reply(200, {"repositories": [admin]}))
        found = (await here.as_user.all_repositories(ADA)).items
        told = [(one.full_name, one.installation_id, one.role, one.archived) for one in found]
        assert told == [
            ("Org0/z", 2, Role.ADMIN, True),
            ("org1/A", 1, Role.WRITE, False),
            ("org1/b", 1, Role.WRITE, False),
        ]


@pytest.mark.parametrize(("status", "complete"), [(403, False), (404, True), (451, False)])
async def test_one_place_that_is_not_shown_hides_no_other(status: int, complete: bool) -> None:
    async with scene() as here:
        here.server.on("GET", PLACES, Reply(200, places(1, 2)))
        here.server.on("GET", within(1), Reply(status, {"message": "Not for you"}))
        here.server.on("GET", within(2), Reply(200, repositories("org2/a")))
        found = await here.as_user.all_repositories(ADA)
        assert [one.full_name for one in found.items] == ["org2/a"]
        assert found.complete is complete


async def test_installations() -> None:
    async with scene() as here:
        enterprise = place(
            2, account={"id": 5, "slug": "acme-inc"}, repository_selection="selected"
        )
        full = {
            "metadata": "read",
            "contents": "write",
            "issues": "write",
            "pull_requests": "admin",
        }
        gone = place(3, account=None, permissions=full, suspended_at="2026-03-01T12:00:00Z")
        here.server.on("GET", PLACES, Reply(200, {"installations": [place(1), enterprise, gone]}))
        first, second, third = (await here.as_user.installations(ADA)).items
        assert (first.account.login, first.account.type) == ("org1", "Organization")
        assert first.missing == {"metadata": "read", "contents": "write", "pull_requests": "write"}
        assert (first.everywhere, second.everywhere) == (True, False)
        assert (second.account.login, second.account.type) == ("acme-inc", "Enterprise")
        assert (third.account.login, third.missing) == ("(deleted)", {})
        assert third.suspended_at is not None


async def test_an_address_that_is_none_leads_nowhere() -> None:
    async with scene() as here:
        bad = place(1, html_url="javascript:alert(1)")
        here.server.on("GET", PLACES, Reply(200, {"installations": [bad]}))
        with pytest.raises(Unavailable, match="html_url"):
            await here.as_user.installations(ADA)


async def test_a_token_that_was_renewed_meanwhile_is_taken_anew() -> None:
    async with scene() as here:
        here.wallet.tokens[ADA.id] = ["ghu_old", "ghu_new"]
        here.server.on("GET", WHO, DEAD, Reply(200, ADA_ON_GITHUB))
        assert (await here.as_user.profile(ADA)).login == "ada"
        sent = [one.headers["authorization"] for one in here.server.seen]
        assert sent == ["Bearer ghu_old", "Bearer ghu_new"]


async def test_a_revoked_token_is_the_end_of_a_sign_in() -> None:
    async with scene() as here:
        here.server.on("GET", WHO, tagged(ADA_ON_GITHUB), DEAD)
        await here.as_user.profile(ADA)
        with pytest.raises(SignInAgain):
            await here.as_user.profile(ADA)
        assert not here.as_user.knows(ADA.id)
        assert here.wallet.tokens[ADA.id] == []


async def test_two_dead_tokens_are_enough() -> None:
    async with scene() as here:
        here.wallet.tokens[ADA.id] = ["ghu_old", "ghu_new", "ghu_newer"]
        here.server.on("GET", WHO, DEAD)
        with pytest.raises(Refused) as refused:
            await here.as_user.profile(ADA)
        assert refused.value.status == 401
        assert len(here.server.seen) == 2


async def test_what_fails_is_tried_again() -> None:
    async with scene() as here:
        here.server.on(
            "GET", WHO, Reply(502, "oops", content_type="text/html"), tagged(ADA_ON_GITHUB)
        )
        assert (await here.as_user.profile(ADA)).login == "ada"
        here.server.on("GET", WHO, Reply(502, "oops", content_type="text/html"))
        with pytest.raises(Unavailable):
            await here.as_user.profile(ADA)


async def test_a_limit_is_kept_to_by_whom_it_is_about() -> None:
    async with scene() as here:
        limit = Reply(403, {"message": "limit"}, {"retry-after": "60"})
        here.server.on("GET", WHO, limit, Reply(200, ADA_ON_GITHUB))
        with pytest.raises(Limited):
            await here.as_user.profile(ADA)
        here.clock.now += 20
        with pytest.raises(Limited) as limited:
            await here.as_user.profile(ADA)
        assert limited.value.retry_after == 40
        assert len(here.server.seen) == 1
        assert (await here.as_user.profile(BOB)).login == "ada"
        here.clock.now += 40
        assert (await here.as_user.profile(ADA)).login == "ada"


async def test_one_person_asks_one_thing_after_another() -> None:
    async with scene() as here:
        here.server.on("GET", WHO, tagged(ADA_ON_GITHUB), NOT_MODIFIED)
        await asyncio.gather(*(here.as_user.profile(ADA) for _ in range(5)))
        assert here.conditions(WHO) == [None, *['"1"'] * 4]


def test_a_cache_holds_so_many_bytes_and_no_more() -> None:
    packed = Packed(4 * OVERHEAD)
    for number in range(9):
        packed[f"/{number}"] = (f'"{number}"', None, {"number": number}, None)
    assert packed.size <= 4 * OVERHEAD
    assert list(packed) == ["/6", "/7", "/8"]
    assert packed["/8"] == ('"8"', None, {"number": 8}, None)
    del packed["/7"]
    assert len(packed) == 2


def test_a_cache_keeps_nothing_that_is_too_large_nor_what_it_would_replace() -> None:
    packed = Packed(4 * OVERHEAD)
    packed["/"] = ('"1"', None, [], None)
    packed["/"] = ('"2"', None, [hash(str(number)) for number in range(2_000)], None)
    assert list(packed) == []
