"""Whether a provider takes a key: what means so, what does not, and that nobody sees the key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import get_args

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from inline_snapshot import snapshot
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.http.config_bodies import Credentials, ProviderName
from bot.providers import PROVIDERS, provider_of
from bot.secret_text import LONGEST_FLY_TOKEN, LONGEST_KEY, clean
from bot.validation import Checked, Validator, fly
from tests.makers import folded
from tests.provider_server import FakeProviders

KEY = "sk-very-secret-key"


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeProviders]:
    async with FakeProviders().serve() as made:
        yield made


async def ask(server: FakeProviders, name: str, key: str = KEY, patience: float = 5.0) -> Checked:
    provider = fly("workers") if name == "fly" else PROVIDERS[name]
    async with ClientSession() as session:
        with capture_logs() as logs:
            found = await Validator(session, server.bases, patience).check(provider, SecretStr(key))
    assert key not in f"{found}{logs}"
    return found


@pytest.mark.parametrize("name", [*PROVIDERS, "fly"])
async def test_a_good_key_is_good_everywhere(server: FakeProviders, name: str) -> None:
    server.good.add(KEY)
    assert (await ask(server, name)).result == "valid"
    (asked,) = server.asked
    assert (asked.provider, asked.key) == (name, KEY)
    assert KEY not in asked.path


async def test_what_is_asked(server: FakeProviders) -> None:
    for name in [*PROVIDERS, "fly"]:
        await ask(server, name)
    assert [f"{one.provider} {one.path}" for one in server.asked] == snapshot(
        [
            "anthropic /v1/models?limit=1",
            "openai /v1/models",
            "gemini /v1beta/models?pageSize=1",
            "openrouter /api/v1/key",
            "mistral /v1/models",
            "deepseek /models",
            "groq /openai/v1/models",
            "xai /v1/models",
            "fly /v1/apps/workers",
        ]
    )


OUTCOMES: dict[str, tuple[str, int, bytes, str]] = {
    # whom, the status, the body, and what it means
    "a wrong key": ("anthropic", 401, b"{}", "invalid"),
    "a key without the permission": ("anthropic", 403, b"{}", "invalid"),
    "an overloaded provider": ("anthropic", 529, b"{}", "unknown"),
    "a limit": ("anthropic", 429, b"{}", "unknown"),
    "a fault": ("anthropic", 500, b"{}", "unknown"),
    "a bad request": ("anthropic", 400, b"{}", "unknown"),
    "an address that is gone": ("anthropic", 404, b"{}", "unknown"),
    "a redirect": ("anthropic", 302, b"{}", "unknown"),
    "an empty success": ("anthropic", 204, b"", "unknown"),
    "a wrong key of OpenAI": ("openai", 401, b"{}", "invalid"),
    "a restricted key of OpenAI": ("openai", 403, b"{}", "valid"),
    "a wrong key of OpenRouter": ("openrouter", 401, b"{}", "invalid"),
    "a wrong key of Gemini": ("gemini", 400, b'{"reason": "API_KEY_INVALID"}', "invalid"),
    "a request that Gemini does not like": ("gemini", 400, b'{"reason": "OTHER"}', "unknown"),
    "a key that Gemini forbids": ("gemini", 403, b"{}", "invalid"),
    "another kind of key of Gemini": (
        *("gemini", 401, b"ACCESS_TOKEN_TYPE_UNSUPPORTED", "unknown"),
    ),
    "a wrong key of Gemini as a 401": ("gemini", 401, b"{}", "invalid"),
    "a wrong key of xAI": ("xai", 400, b"Incorrect API key provided", "invalid"),
    "a request that xAI does not like": ("xai", 400, b"other", "unknown"),
    "what is no text": ("gemini", 400, b"\xff\xfe" * 99, "unknown"),
    "a wrong token of Fly": ("fly", 401, b"{}", "invalid"),
    "another app of Fly": ("fly", 404, b"{}", "invalid"),
}


@pytest.mark.parametrize("name", OUTCOMES)
async def test_only_what_clearly_says_so_is_invalid(server: FakeProviders, name: str) -> None:
    whom, server.status, server.body, result = OUTCOMES[name]
    server.headers = {"Location": f"{server.url}/elsewhere"}
    assert (await ask(server, whom)).result == result
    assert len(server.asked) == 1, "no redirect is followed"


async def test_the_rest_of_a_long_answer_is_not_read(server: FakeProviders) -> None:
    server.status, server.body = 400, b"x" * 200_000 + b"API_KEY_INVALID"
    assert (await ask(server, "gemini")).result == "unknown"


async def test_silence_says_nothing_about_a_key(server: FakeProviders) -> None:
    server.status = None
    assert (await ask(server, "mistral")).result == "unknown"
    server.status = 0
    found = await ask(server, "mistral", patience=0.05)
    assert found == snapshot(
        Checked(
            result="unknown",
            detail="Mistral does not answer. Try again later: this says nothing about it.",
        )
    )
    server.url = "http://127.0.0.1:9"
    assert (await ask(server, "mistral")).result == "unknown"


async def test_what_is_told_says_what_to_do(server: FakeProviders) -> None:
    told: list[str] = []
    for whom, status in (
        ("anthropic", 401),
        ("openai", 403),
        ("groq", 429),
        ("groq", 503),
        ("groq", 418),
        ("fly", 404),
    ):
        server.status = status
        told.append((await ask(server, whom)).detail)
    assert folded("\n".join(told)) == snapshot("""\
Anthropic does not take it (401): it is wrong, has ended or
was revoked. Make another one at
https://console.anthropic.com/settings/keys.
OpenAI knows it, but it is restricted: it may not list
models (403). An agent may need more than it allows.
Groq lets nobody ask more for now (429). Try again in some
minutes. This says nothing about it.
Groq has a fault (503). Try again later. This says nothing
about it.
Groq answered 418, which it does not do otherwise. Try again
later. This says nothing about it.
Fly does not take it (404): the app is another one, or the
token is not for it. Make another one at
https://fly.io/dashboard/personal/tokens.\
""")


def test_the_bodies_name_the_providers() -> None:
    assert list(PROVIDERS) == list(Credentials.model_fields) == list(get_args(ProviderName))
    assert all(one.variables and one.models for one in PROVIDERS.values())


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        (None, None),
        ("", None),
        ("gpt-5", None),
        ("openai/gpt-5/high", "openai"),
        ("OpenAI/gpt-5", "openai"),
        ("google/gemini-2.5-pro", "gemini"),
        ("openrouter/openai/gpt-5", "openrouter"),
        ("somebody/else", None),
    ],
)
def test_a_model_may_say_whose_key_it_needs(model: str | None, provider: str | None) -> None:
    assert provider_of(model) == provider


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("sk-12345", "sk-12345"),
        ("  sk-12345\n", "sk-12345"),
        ("FlyV1 fm2_12345", "fm2_12345"),
        ("x" * LONGEST_KEY, "x" * LONGEST_KEY),
    ],
)
def test_a_secret_is_taken_without_the_blanks_around_it(text: str, cleaned: str) -> None:
    assert clean(text, LONGEST_KEY) == cleaned


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "blank"),
        (" \n\t", "blank"),
        ("sk-12 345", "a blank in it"),
        ("sk-12\n345", "signs that no key has"),
        ("sk-12\x00345", "signs that no key has"),
        ("sk-schlüssel", "signs that no key has"),
        ("sk-1234", "fewer than 8"),
        ("x" * (LONGEST_KEY + 1), "more than 512"),
    ],
)
def test_what_can_be_no_secret_is_refused_with_a_remedy(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        clean(text, LONGEST_KEY)
    assert not text.strip() or text not in str(caught.value)
    assert LONGEST_FLY_TOKEN > LONGEST_KEY
