"""People's own tokens: renewed once, stored before use, forgotten and revoked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.github.errors import GitHubError, OAuthRefused, Unavailable
from bot.github.oauth import Granted, OAuth, OAuthClient
from bot.user_tokens import SignInAgain, UserTokens
from bot.vault import Vault
from handlers.values import Person
from simulator import Fault
from simulator.people import UserToken
from storage import StorageFailed, Store
from storage.keys import Session
from tests.first_start import lay_out
from tests.github_support import Town, simulated
from tests.makers import RULES, id_of
from tests.story import until

TOKEN = "/login/oauth/access_token"
HOUR = 3600.0


@dataclass
class Bank:
    """Ada's tokens, at an offline GitHub."""

    town: Town
    store: Store
    tokens: UserTokens
    ada: Person

    def clock(self) -> datetime:
        return datetime.fromtimestamp(self.town.clock.now, UTC)

    @property
    def pairs(self) -> list[UserToken]:
        return self.town.sim.people.pairs

    @property
    def good(self) -> list[UserToken]:
        return [one for one in self.pairs if one.is_good(self.clock())]

    @property
    def revoking(self) -> str:
        return f"/applications/{self.town.sim.app.client_id}/token"

    def asked(self) -> int:
        return self.town.asked("POST", TOKEN)

    async def signs_in(self) -> str:
        """Ada signs in; her access token."""
        made = self.town.sim.people.give(self.town.sim.user("ada"))
        await self.tokens.keep(self.ada, granted(made))
        return made.access

    async def token(self) -> str:
        return (await self.tokens.token(self.ada)).get_secret_value()

    def passes(self, hours: float) -> None:
        self.town.clock.now += hours * HOUR

    def with_key(self, key: bytes) -> UserTokens:
        return UserTokens(self.store.people, Vault(key), self.tokens.oauth, self.clock)


def granted(made: UserToken) -> Granted:
    refresh = None if made.refresh is None else SecretStr(made.refresh)
    return Granted(SecretStr(made.access), made.expires_at, refresh, made.renewable_until)


@asynccontextmanager
async def bank(folder: Path, secret: str | None = None) -> AsyncGenerator[Bank]:
    async with simulated(folder / "github") as town:
        ada = town.sim.add_user("ada")
        store = await Store.open(lay_out(folder / "bellhop.db"), RULES)
        client = OAuthClient(
            town.sim.app.client_id, SecretStr(secret or town.sim.app.client_secret)
        )
        oauth = town.github.oauth(client, town.sim.url)

        def clock() -> datetime:
            return datetime.fromtimestamp(town.clock.now, UTC)

        made = Bank(
            town,
            store,
            UserTokens(store.people, Vault(b"k" * 32), oauth, clock),
            Person(ada.id, ada.login),
        )
        yield made
        await made.tokens.settled()
        await store.close()


async def test_a_token_is_used_until_shortly_before_its_end(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        access = await here.signs_in()
        here.passes(8 - 0.1)
        assert await here.token() == access
        here.passes(0.05)
        renewed = await here.token()
        assert renewed != access
        assert [one.access for one in here.good] == [renewed]
        assert await here.token() == renewed
        assert here.asked() == 1


async def test_who_asks_at_once_shares_one_renewal(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        here.passes(8)
        got = await asyncio.gather(*(here.token() for _ in range(20)))
        assert len(set(got)) == 1
        assert here.asked() == 1
        assert [one.access for one in here.good] == [got[0]]


async def test_different_people_do_not_wait_for_each_other(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        bob = here.town.sim.add_user("bob")
        made = here.town.sim.people.give(bob)
        him = Person(bob.id, bob.login)
        await here.tokens.keep(him, granted(made))
        here.passes(8)
        here.town.sim.faults.add(Fault(method="POST", path=TOKEN, kind="slow", seconds=60))
        waiting = asyncio.create_task(here.token())
        await until(lambda: here.asked() == 1, "the first renewal")
        assert await here.tokens.token(him)
        assert not waiting.done()
        here.town.sim.faults.clear()
        assert await waiting


async def test_a_renewal_goes_on_without_whoever_asked(tmp_path: Path) -> None:
    """GitHub has killed the old pair: a new one that nobody stores would be lost."""
    async with bank(tmp_path) as here:
        await here.signs_in()
        here.passes(8)
        here.town.sim.faults.add(Fault(method="POST", path=TOKEN, kind="slow", seconds=60))
        asking = asyncio.create_task(here.token())
        await until(lambda: here.asked() == 1, "the renewal")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        here.town.sim.faults.clear()
        await here.tokens.settled()
        assert [await here.token()] == [one.access for one in here.good]
        assert here.asked() == 1


async def test_a_new_pair_is_stored_before_anybody_gets_it(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        here.passes(8)
        got = await here.token()
        kept = await here.store.people.token_of(here.ada.id)
        assert kept is not None
        assert got in Vault(b"k" * 32).unseal(kept.secret)
        assert here.pairs[-1].refresh or "none" in Vault(b"k" * 32).unseal(kept.secret)
        assert "secret" not in repr(kept)


async def test_whoever_has_no_token_signs_in_again(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        with pytest.raises(SignInAgain):
            await here.token()
        await here.signs_in()
        here.passes(24 * 200)
        for _ in range(2):
            with pytest.raises(SignInAgain):
                await here.token()
        assert here.asked() == 0, "GitHub need not be asked"


async def test_a_refresh_token_that_is_dead_is_forgotten(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        here.town.sim.people.revoke_all(here.town.sim.user("ada"))
        here.passes(8)
        got = await asyncio.gather(*(here.token() for _ in range(3)), return_exceptions=True)
        assert [type(one) for one in got] == [SignInAgain] * 3
        assert here.asked() == 1
        assert await here.store.people.token_of(here.ada.id) is None
        access = await here.signs_in()
        assert await here.token() == access


async def test_a_github_that_is_away_costs_nobody_their_token(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        here.passes(8)
        here.town.sim.faults.add(Fault(method="POST", path=TOKEN, kind="status", status=502))
        with pytest.raises(Unavailable):
            await here.token()
        assert await here.token()
        assert here.asked() == 2


async def test_an_answer_that_is_lost_costs_a_sign_in_and_no_more(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        here.passes(8)
        here.town.sim.faults.add(Fault(method="POST", path=TOKEN, kind="cut_after"))
        with pytest.raises(Unavailable) as caught:
            await here.token()
        assert caught.value.maybe_done
        with pytest.raises(SignInAgain):
            await here.token()


@asynccontextmanager
async def full_disk(store: Store) -> AsyncGenerator[None]:
    """The database is read, and has no room for what comes."""

    async def do(sql: str) -> None:
        await store._engine.write(lambda db: db.conn.execute(sql).fetchone())

    await do("CREATE TABLE IF NOT EXISTS much (it BLOB)")
    await do(
        "CREATE TRIGGER IF NOT EXISTS no BEFORE INSERT ON user_tokens "
        "BEGIN INSERT INTO much VALUES (zeroblob(1000000)); END"
    )
    await do("PRAGMA max_page_count = 1")
    yield
    await do("PRAGMA max_page_count = 1000000")


async def test_a_pair_that_cannot_be_stored_is_kept_until_it_can(tmp_path: Path) -> None:
    """The one before is dead by then: without it everybody would have to sign in again."""
    async with bank(tmp_path) as here:
        await here.signs_in()
        here.passes(8)
        async with full_disk(here.store):
            for _ in range(2):
                with pytest.raises(StorageFailed):
                    await here.token()
        assert [await here.token()] == [one.access for one in here.good]
        assert here.asked() == 1
        here.passes(8)
        async with full_disk(here.store):
            with pytest.raises(StorageFailed):
                await here.token()
            here.passes(8)
        assert [await here.token()] == [one.access for one in here.good]
        assert here.asked() == 3, "the one that waited has ended meanwhile"


async def test_a_pair_that_was_never_stored_is_revoked_with_the_one_before(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        here.passes(8)
        async with full_disk(here.store):
            with pytest.raises(StorageFailed):
                await here.token()
        await here.tokens.forget(here.ada.id)
        await here.tokens.settled()
        assert [one.dead for one in here.pairs] == [True, True]


async def test_a_wrong_client_secret_costs_nobody_their_token(tmp_path: Path) -> None:
    async with bank(tmp_path, secret="wrong") as here:
        await here.signs_in()
        here.passes(8)
        with pytest.raises(OAuthRefused) as caught:
            await here.token()
        assert caught.value.code == "incorrect_client_credentials"
        assert await here.store.people.token_of(here.ada.id) is not None


async def test_tokens_that_do_not_end_are_used_for_ever(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        here.town.sim.people.expiring = False
        access = await here.signs_in()
        here.passes(24 * 3650)
        assert await here.token() == access


async def test_a_token_that_ends_and_cannot_be_renewed_is_forgotten(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.tokens.keep(
            here.ada, Granted(SecretStr("ghu_short"), here.clock() + timedelta(hours=1))
        )
        here.passes(1)
        with pytest.raises(SignInAgain):
            await here.token()
        assert await here.store.people.token_of(here.ada.id) is None


async def test_a_token_that_github_refuses_is_forgotten_if_it_is_still_the_one(
    tmp_path: Path,
) -> None:
    async with bank(tmp_path) as here:
        old = SecretStr(await here.signs_in())
        new = SecretStr(await here.signs_in())
        await here.tokens.refused(here.ada, old)
        assert await here.token() == new.get_secret_value()
        await here.with_key(b"q" * 32).refused(here.ada, new)
        assert await here.token() == new.get_secret_value()
        await here.tokens.refused(here.ada, new)
        await here.tokens.refused(here.ada, new)
        with pytest.raises(SignInAgain):
            await here.token()


async def test_a_forgotten_token_is_revoked(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        await here.tokens.forget(here.ada.id)
        await here.tokens.forget(here.ada.id)
        await here.tokens.settled()
        assert here.good == []
        with pytest.raises(SignInAgain):
            await here.token()
        assert here.town.asked("DELETE", here.revoking) == 1


async def test_a_token_that_has_ended_is_revoked_with_what_renews_it(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        here.passes(8)
        await here.tokens.forget(here.ada.id)
        await here.tokens.settled()
        assert [one.dead for one in here.pairs] == [True, True]


async def test_a_pair_that_has_ended_need_not_be_revoked(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.tokens.keep(
            here.ada, Granted(SecretStr("ghu_short"), here.clock() + timedelta(hours=1))
        )
        here.passes(1)
        await here.tokens.forget(here.ada.id)
        await here.signs_in()
        here.passes(24 * 200)
        await here.tokens.forget(here.ada.id)
        await here.signs_in()
        here.town.sim.people.revoke_all(here.town.sim.user("ada"))
        here.passes(8)
        with capture_logs() as told:
            await here.tokens.forget(here.ada.id)
            await here.tokens.settled()
        assert here.town.asked("DELETE", here.revoking) == 0
        assert here.asked() == 1, "whether the last one can be renewed, only GitHub knew"
        assert told == []


async def test_another_sign_in_revokes_the_token_of_the_one_before(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        here.passes(9)
        await here.signs_in()
        last = await here.signs_in()
        await here.tokens.settled()
        assert [one.access for one in here.pairs if not one.dead] == [last]
        assert await here.token() == last


async def test_the_same_token_again_is_not_revoked(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        access = await here.signs_in()
        await here.tokens.keep(here.ada, granted(here.pairs[0]))
        await here.tokens.settled()
        assert [one.access for one in here.good] == [access]


async def test_a_token_is_revoked_when_the_last_session_runs_out(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        now = here.clock()
        session = Session(id_of(1), here.ada, "B", now, now + timedelta(hours=2), now)
        await here.store.people.keep_session(session, b"1")
        for hours, left in ((1, 1), (1, 0)):
            here.passes(hours)
            await here.store.people.forget(here.clock())
            await here.tokens.settled()
            assert len(here.good) == left
        assert await here.store.people.token_of(here.ada.id) is None


async def test_what_was_granted_for_nothing_is_revoked(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        made = here.town.sim.people.give(here.town.sim.user("ada"))
        here.tokens.let_go(granted(made))
        await here.tokens.settled()
        assert here.good == []


async def test_a_token_is_forgotten_whether_or_not_it_can_be_revoked(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        for method, path in (("DELETE", here.revoking), ("POST", TOKEN)):
            here.town.sim.faults.add(
                Fault(method=method, path=path, kind="status", status=502, times=9)
            )
        await here.tokens.forget(here.ada.id)
        await here.tokens.settled()
        assert await here.store.people.token_of(here.ada.id) is None
        await here.signs_in()
        here.passes(8)
        with capture_logs() as told:
            await here.tokens.forget(here.ada.id)
            await here.tokens.settled()
        assert [one["event"] for one in told] == ["a user token was not revoked"]
        assert await here.store.people.token_of(here.ada.id) is None
        here.town.sim.faults.clear()
        await here.signs_in()
        await here.with_key(b"q" * 32).forget(here.ada.id)
        assert await here.store.people.token_of(here.ada.id) is None


async def test_a_token_stays_while_its_person_is_signed_in(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        access, now = await here.signs_in(), here.clock()
        session = Session(id_of(1), here.ada, "B", now, now + timedelta(hours=2), now)
        await here.store.people.keep_session(session, b"1")
        await here.tokens.forget_unused(here.ada.id)
        assert await here.token() == access
        here.passes(2)
        await here.tokens.forget_unused(here.ada.id)
        with pytest.raises(SignInAgain):
            await here.token()


async def test_with_another_secret_key_people_sign_in_again(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        await here.signs_in()
        other = here.with_key(b"q" * 32)
        with pytest.raises(SignInAgain):
            await other.token(here.ada)
        here.passes(8)
        with pytest.raises(SignInAgain):
            await other.token(here.ada)
        assert await here.token(), "the former key opens it again"


def all_bytes(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.iterdir() if one.is_file())


async def test_a_token_is_not_in_the_database(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        access = await here.signs_in()
    kept = all_bytes(tmp_path)
    assert b"ada" in kept
    assert access.encode() not in kept


# --- what GitHub is asked


async def test_the_app_learns_who_it_is_and_where_it_may_act(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        access = SecretStr(await here.signs_in())
        oauth: OAuth = here.tokens.oauth
        assert await oauth.person(access) == here.ada
        here.town.widgets.set_role("ada", "read")
        assert dict(await oauth.installations(access)) == {here.town.repo.installation_id: "acme"}
        await oauth.revoke(access)
        await oauth.revoke(access)
        with pytest.raises(GitHubError):
            await oauth.person(access)


async def test_a_revocation_that_github_refuses_is_told(tmp_path: Path) -> None:
    async with bank(tmp_path, secret="wrong") as here:
        with pytest.raises(GitHubError):
            await here.tokens.oauth.revoke(SecretStr(await here.signs_in()))


async def test_an_answer_without_a_token_is_a_refusal(tmp_path: Path) -> None:
    async with bank(tmp_path) as here:
        here.town.sim.faults.add(
            Fault(method="POST", path=TOKEN, kind="status", status=200, body="{}")
        )
        with pytest.raises(OAuthRefused, match="no_token"):
            await here.tokens.oauth.exchange("c", "v", "http://127.0.0.1/")


def test_a_client_without_a_secret_is_none() -> None:
    assert not OAuthClient("Iv", None).is_complete
    assert not OAuthClient("Iv", SecretStr("")).is_complete
    assert not OAuthClient("", SecretStr("s")).is_complete
    assert OAuthClient("Iv", SecretStr("s")).is_complete
    assert "secret-text" not in repr(OAuthClient("Iv", SecretStr("secret-text")))
