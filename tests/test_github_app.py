from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import jwt
import pytest
from pydantic import SecretStr

from bot.github.app import AppIdentity
from bot.github.client import GitHub
from bot.github.errors import Limited, Refused, Unavailable
from tests.github_support import (
    APP_ID,
    CUT,
    START,
    JumpingClock,
    Reply,
    identity,
    private_key,
    scripted,
)

READ = {"contents": "read"}


def claims_of(token: str) -> dict[str, object]:
    key = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).prepare_key(private_key())
    relaxed = {"verify_exp": False, "verify_iat": False}
    return jwt.decode(token, key.public_key(), algorithms=["RS256"], options=relaxed)


async def test_the_jwt_is_backdated_and_lives_less_than_nine_minutes() -> None:
    async with scripted() as (github, _):
        assert claims_of(github.tokens.jwt()) == {
            "iss": "Iv23fake",
            "iat": START - 60,
            "exp": START + 480,
        }


async def test_without_a_client_id_the_app_id_is_the_issuer_as_a_text() -> None:
    github = GitHub(None, identity(client_id=""), clock=JumpingClock())
    assert claims_of(github.tokens.jwt())["iss"] == str(APP_ID)


@pytest.mark.parametrize("pem", ["", "nonsense", "-----BEGIN RSA PRIVATE KEY-----\nAA\n"])
def test_a_key_that_is_none_is_named_but_not_shown(pem: str) -> None:
    with pytest.raises(ValueError, match="BEGIN and END lines") as caught:
        GitHub(None, AppIdentity(1, "Iv", SecretStr(pem)))
    assert "AA" not in str(caught.value)


async def test_a_token_is_asked_for_with_the_jwt_and_narrowed() -> None:
    async with scripted() as (github, server):
        assert await github.tokens.token(7, 42, READ) == "ghs_secret0"
        (asked,) = server.minted()
    assert asked.data == {"repository_ids": [42], "permissions": {"contents": "read"}}
    assert asked.headers["authorization"].startswith("Bearer ey")
    assert asked.headers["x-github-api-version"] == "2026-03-10"
    assert asked.headers["accept"] == "application/vnd.github+json"
    assert asked.headers["user-agent"] == "bellhop"


async def test_a_token_is_remembered_until_five_minutes_before_its_end() -> None:
    async with scripted() as (github, server):
        first = await github.tokens.token(7, 42, READ)
        server.clock.now = START + 3600 - 301
        assert await github.tokens.token(7, 42, READ) == first
        server.clock.now = START + 3600 - 299
        assert await github.tokens.token(7, 42, READ) != first


async def test_installations_repositories_and_permissions_never_share_a_token() -> None:
    async with scripted() as (github, _):
        wants = [(7, 42, READ), (7, 43, READ), (8, 42, READ), (7, 42, {"contents": "write"})]
        tokens = [await github.tokens.token(*want) for want in wants]
        assert len(set(tokens)) == len(wants)
        assert [await github.tokens.token(*want) for want in wants] == tokens


async def test_who_wants_the_same_token_at_once_shares_one_request() -> None:
    async with scripted() as (github, server):
        tokens = await asyncio.gather(*(github.tokens.token(7, 42, READ) for _ in range(20)))
        assert set(tokens) == {"ghs_secret0"}
        assert len(server.minted()) == 1


async def test_a_failed_request_is_not_remembered() -> None:
    async with scripted() as (github, server):
        server.on_tokens(Reply(404, {"message": "Not Found"}))
        with pytest.raises(Refused, match="404: Not Found"):
            await github.tokens.token(7, 42, READ)
        server.on_tokens()
        assert await github.tokens.token(7, 42, READ)


async def test_minting_is_repeated_and_never_leaves_doubt() -> None:
    async with scripted() as (github, server):
        server.on_tokens(CUT, Reply(502), CUT, Reply(500))
        with pytest.raises(Unavailable, match="500") as caught:
            await github.tokens.token(7, 42, READ)
        assert not caught.value.maybe_done
        assert len(server.minted()) == 4


async def test_a_long_limit_is_not_slept_through() -> None:
    async with scripted() as (github, server):
        server.on_tokens(Reply(403, {"message": "slow down"}, {"retry-after": "30"}))
        with pytest.raises(Limited) as caught:
            await github.tokens.token(7, 42, READ)
        assert caught.value.retry_after == 30
        assert server.clock.slept == []


async def test_a_dropped_installation_drops_its_tokens_and_no_others() -> None:
    async with scripted() as (github, _):
        dropped = await github.tokens.token(7, 42, READ)
        kept = await github.tokens.token(8, 42, READ)
        github.forget_installation(7)
        assert await github.tokens.token(7, 42, READ) != dropped
        assert await github.tokens.token(8, 42, READ) == kept


async def test_a_workers_token_is_read_only_and_new_each_time() -> None:
    async with scripted() as (github, server):
        first = await github.tokens.mint_worker_token(7, 42)
        second = await github.tokens.mint_worker_token(7, 42)
        assert first.token != second.token
        assert first.expires_at == datetime.fromtimestamp(START + 3600, UTC)
        assert server.minted()[0].data == {
            "repository_ids": [42],
            "permissions": {"contents": "read", "metadata": "read"},
        }
        own = await github.tokens.token(7, 42, {"contents": "read", "metadata": "read"})
        assert own not in {first.token, second.token}


@pytest.mark.parametrize("status", [204, 401])
async def test_revoking_ends_a_token_that_may_have_ended(status: int) -> None:
    async with scripted() as (github, server):
        reply = Reply(status, None if status == 204 else {"message": "Bad credentials"})
        server.on("DELETE", "/installation/token", CUT, reply)
        await github.tokens.revoke("ghs_worker")
        seen = server.to("/installation/token")[-1]
    assert seen.headers["authorization"] == "Bearer ghs_worker"


async def test_a_failed_revocation_says_so() -> None:
    async with scripted() as (github, server):
        server.on("DELETE", "/installation/token", Reply(403, {"message": "no"}))
        with pytest.raises(Refused):
            await github.tokens.revoke("ghs_worker")
        server.on("DELETE", "/installation/token", Reply(500))
        with pytest.raises(Unavailable):
            await github.tokens.revoke("ghs_worker")


async def test_secrets_do_not_show() -> None:
    async with scripted() as (github, server):
        worker = await github.tokens.mint_worker_token(7, 42)
        assert worker.token not in repr(worker)
        assert "PRIVATE KEY" not in repr(identity())
        # An answer that is not as documented is described without what is in it.
        server.on_tokens(Reply(201, {"token": "ghs_hidden", "expires_at": "ghs_hidden"}))
        with pytest.raises(Unavailable, match="expires_at") as caught:
            await github.tokens.token(7, 42, READ)
        shown = repr(caught.value) + repr(caught.value.__cause__) + str(caught.value.__context__)
        assert "ghs_hidden" not in shown
