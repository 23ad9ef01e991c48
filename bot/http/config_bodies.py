"""Defaults, keys of providers and Fly on the wire. Secrets come in and never go out."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints
from pydantic_core import PydanticCustomError

from bot.http.bodies import Body
from bot.secret_text import LONGEST_FLY_TOKEN, LONGEST_KEY, SHORTEST, clean
from handlers.decision import Defaults
from handlers.options import MAX_CONCURRENCY, MAX_TIME_LIMIT, MIN_TIME_LIMIT, is_model, is_name
from handlers.preferences import MOST_COST
from handlers.repo_config import is_image


def _checked(value: SecretStr, longest: int) -> SecretStr:
    """A secret without the blanks around it; the errors never quote it."""
    try:
        return SecretStr(clean(value.get_secret_value(), longest))
    except ValueError as error:
        raise _wrong(str(error)) from None


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("wrong", "{told}", {"told": message})


def _described(longest: int, before: str = "") -> dict[str, Any]:
    """A secret to those who read the schema; blanks around it are taken away."""
    pattern = f"^{before}[!-~]{{{SHORTEST},{longest}}}$"
    return {"writeOnly": True, "pattern": pattern}


Secret = Annotated[
    SecretStr,
    AfterValidator(lambda value: _checked(value, LONGEST_KEY)),
    Field(json_schema_extra=_described(LONGEST_KEY)),
]
FlyToken = Annotated[
    SecretStr,
    AfterValidator(lambda value: _checked(value, LONGEST_FLY_TOKEN)),
    Field(json_schema_extra=_described(LONGEST_FLY_TOKEN, "(FlyV1 )?")),
]
ProviderName = Literal[
    "anthropic", "openai", "gemini", "openrouter", "mistral", "deepseek", "groq", "xai"
]
"""The names in `bot.providers`."""


def _named(text: str) -> str:
    if not is_name(text):
        raise _wrong("it is no name: letters, digits, dots, dashes and underscores")
    return text


def _model(text: str) -> str:
    if not is_model(text):
        raise _wrong("give `name` or `provider/name`, for example openai/gpt-5")
    return text


def _image(text: str) -> str:
    if not is_image(text):
        raise _wrong("it is no name of an image, as ghcr.io/acme/worker:1 is one")
    return text


Name = Annotated[str, StringConstraints(max_length=64), AfterValidator(_named)]
Model = Annotated[str, StringConstraints(max_length=200), AfterValidator(_model)]
App = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Image = Annotated[str, StringConstraints(max_length=255), AfterValidator(_image)]


class ConfigBody(Body):
    """What attempts begin with, and their limits; null where this scope says nothing.

    Whatever is not in the operator's lists is refused. Limits of several places combine by the
    least of them.
    """

    agent: Name | None = None
    model: Model | None = Field(default=None, description="`name` or `provider/name`.")
    runner: Name | None = None
    image: Image | None = None
    time_limit: int | None = Field(
        default=None, ge=MIN_TIME_LIMIT, le=MAX_TIME_LIMIT, description="Seconds of an attempt."
    )
    max_cost: float | None = Field(
        default=None, gt=0, le=MOST_COST, description="US dollars of an attempt."
    )
    concurrency: int | None = Field(
        default=None, ge=1, le=MAX_CONCURRENCY, description="Attempts of one repository at a time."
    )

    @classmethod
    def of(cls, defaults: Defaults) -> ConfigBody:
        """What is kept, as it is told."""
        return cls(**asdict(defaults))

    def value(self) -> Defaults:
        """What is told, as it is kept."""
        return Defaults(**self.model_dump())


class Offered(Body):
    """What the operator allows: the first of a list is what is used where nobody says anything."""

    agents: list[str]
    runners: list[str]
    images: list[str]
    time_limit: int = Field(description="Seconds: the most that counts.")
    max_cost: float | None = Field(description="US dollars: the most that counts; null: no limit.")
    concurrency: int


class Configured(Body):
    """What may be told of a key of a provider."""

    configured: bool
    last4: str | None = Field(default=None, description="Its last four characters.")
    updated_at: datetime | None = None
    validated_at: datetime | None = Field(
        default=None, description="When the provider last took it; null: never, or not this one."
    )


class FlyShown(Body):
    """Where workers on Fly run, and what may be told of the token."""

    app: str | None
    region: str | None
    size: str | None
    token: Configured


class ConfigShown(Body):
    """Everything that is set for a scope, `user` or `installation:ID`."""

    scope: str
    defaults: ConfigBody
    updated_at: datetime | None = Field(description="When the defaults were last changed.")
    offered: Offered
    credentials: dict[str, Configured] = Field(description="By provider.")
    fly: FlyShown


class OneSecret(Body):
    """The key of one provider; null removes it."""

    provider: ProviderName
    secret: Secret | None


class CredentialsShown(Body):
    """What may be told of all keys."""

    credentials: dict[str, Configured] = Field(description="By provider.")


class Credentials(Body):
    """Keys of providers: null removes one, and what is left out stays."""

    anthropic: Secret | None = None
    openai: Secret | None = None
    gemini: Secret | None = None
    openrouter: Secret | None = None
    mistral: Secret | None = None
    deepseek: Secret | None = None
    groq: Secret | None = None
    xai: Secret | None = None

    @property
    def given(self) -> dict[str, SecretStr | None]:
        """The keys that the body names, by provider."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class FlyBody(Body):
    """Where workers on Fly run. Without `token` the one that is stored stays; null removes it."""

    app: App | None = None
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")] | None = Field(
        default=None, description="Three letters, as `ams`."
    )
    size: Annotated[str, StringConstraints(pattern=r"^(shared-cpu|performance)-[1-9][0-9]?x$")] | (
        None
    ) = Field(default=None, description="As `shared-cpu-2x` or `performance-1x`.")
    token: FlyToken | None = None


class SecretToCheck(Body):
    """A key to try without storing it; the stored one, if none is given."""

    secret: FlyToken | None = None
    app: App | None = Field(default=None, description="For Fly: the app; else the stored one.")


class CheckedBody(Body):
    """What a provider says of a key.

    `unknown`: the provider did not say, since it is limited, broken or out of reach; the key may
    well be good.
    """

    result: Literal["valid", "invalid", "unknown"]
    detail: str


class ProviderShown(Body):
    """A provider of models."""

    name: str
    title: str
    variables: list[str] = Field(description="The agent's environment variables with the key.")
    models: list[str] = Field(description="Some that it has; others may be named too.")
    keys_url: str = Field(description="Where a key is made.")


class ProviderList(Body):
    """All providers that Bellhop can check keys of."""

    providers: list[ProviderShown]
