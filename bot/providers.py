"""Model providers, as data: what a key of theirs is called, and how it is checked.

Sources, of each provider: its pages on authentication and on listing models. No check spends
tokens. Which answers mean what is strict: what is not named here is *unknown*, never *invalid*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Check:
    """One request that tells whether a key is good.

    `path` is below `base`. `header` holds the key, after `prefix`. `invalid` are the statuses that
    mean that the key is not good; `limited` those of a real key that may not ask this. A status in
    `only_if` means either only if the answer has that text in it. 200 is a good key.
    """

    base: str
    path: str
    header: str = "Authorization"
    prefix: str = "Bearer "
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    invalid: frozenset[int] = frozenset({401, 403})
    limited: frozenset[int] = frozenset()
    only_if: Mapping[int, str] = field(default_factory=dict[int, str])
    not_if: Mapping[int, str] = field(default_factory=dict[int, str])
    """A status that does not mean *invalid* after all if the answer has this text in it."""
    because: Mapping[int, str] = field(default_factory=dict[int, str])
    """What a status says of the key, where it says more than that it is not good."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. `models` are suggestions, as `provider/name` wants the name."""

    name: str
    title: str
    variables: tuple[str, ...]
    """What an agent finds the key in; each holds the same."""
    keys_url: str
    """Where a person makes a key."""
    check: Check
    models: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """What agents call it in a model's name besides."""


_ALL = (
    Provider(
        "anthropic",
        "Anthropic",
        ("ANTHROPIC_API_KEY",),
        "https://console.anthropic.com/settings/keys",
        Check(
            "https://api.anthropic.com",
            "/v1/models?limit=1",
            header="x-api-key",
            prefix="",
            headers={"anthropic-version": "2023-06-01"},
        ),
        ("claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"),
    ),
    Provider(
        "openai",
        "OpenAI",
        ("OPENAI_API_KEY",),
        "https://platform.openai.com/api-keys",
        Check(
            "https://api.openai.com",
            "/v1/models",
            invalid=frozenset({401}),
            limited=frozenset({403}),
        ),
        ("gpt-5", "gpt-5-mini", "gpt-5-codex"),
    ),
    Provider(
        "gemini",
        "Google Gemini",
        ("GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"),
        "https://aistudio.google.com/apikey",
        Check(
            "https://generativelanguage.googleapis.com",
            "/v1beta/models?pageSize=1",
            header="x-goog-api-key",
            prefix="",
            invalid=frozenset({400, 401, 403}),
            only_if={400: "API_KEY_INVALID"},
            not_if={401: "ACCESS_TOKEN_TYPE_UNSUPPORTED"},
        ),
        ("gemini-2.5-pro", "gemini-2.5-flash"),
        ("google",),
    ),
    Provider(
        "openrouter",
        "OpenRouter",
        ("OPENROUTER_API_KEY",),
        "https://openrouter.ai/settings/keys",
        # Its list of models is public: a wrong key would pass there.
        Check("https://openrouter.ai", "/api/v1/key"),
        ("anthropic/claude-sonnet-4.5", "openai/gpt-5"),
    ),
    Provider(
        "mistral",
        "Mistral",
        ("MISTRAL_API_KEY",),
        "https://console.mistral.ai/api-keys",
        Check("https://api.mistral.ai", "/v1/models"),
        ("mistral-large-latest", "codestral-latest"),
    ),
    Provider(
        "deepseek",
        "DeepSeek",
        ("DEEPSEEK_API_KEY",),
        "https://platform.deepseek.com/api_keys",
        Check("https://api.deepseek.com", "/models"),
        ("deepseek-chat", "deepseek-reasoner"),
    ),
    Provider(
        "groq",
        "Groq",
        ("GROQ_API_KEY",),
        "https://console.groq.com/keys",
        Check("https://api.groq.com", "/openai/v1/models"),
        ("openai/gpt-oss-120b", "llama-3.3-70b-versatile"),
    ),
    Provider(
        "xai",
        "xAI",
        ("XAI_API_KEY",),
        "https://console.x.ai",
        Check(
            "https://api.x.ai",
            "/v1/models",
            invalid=frozenset({400, 401, 403}),
            only_if={400: "Incorrect API key"},
        ),
        ("grok-4", "grok-code-fast-1"),
    ),
)

PROVIDERS: Mapping[str, Provider] = MappingProxyType({one.name: one for one in _ALL})
"""By name, in the order in which people see them."""

_NAMES = {name: one.name for one in _ALL for name in (one.name, *one.aliases)}


def provider_of(model: str | None) -> str | None:
    """The provider whose key a model needs, as it is known here; None where that is not said."""
    before, slash, _ = (model or "").partition("/")
    return _NAMES.get(before.lower()) if slash else None
