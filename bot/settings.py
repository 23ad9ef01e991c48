"""Settings: the environment (prefix `BELLHOP_`) and an `.env` file, typed, all problems at once."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from yarl import URL

from bot.outbound_url import USUAL_PORTS, UrlRules
from handlers.decision import Rules

Names = Annotated[tuple[str, ...], NoDecode]
Ports = Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], NoDecode]
Level = Literal["debug", "info", "warning", "error"]


class Settings(BaseSettings):
    """What the operator decides. The description of each field is its documentation."""

    model_config = SettingsConfigDict(
        env_prefix="BELLHOP_", env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    base_url: str | None = Field(
        None, description="What people and GitHub reach. Made from host and port if not given."
    )
    client_address_header: str = Field(
        "",
        pattern=r"^[A-Za-z0-9-]*$",
        description="The header by which the proxy in front says whose request it is, such as "
        "`X-Forwarded-For`. Only where nobody gets past that proxy.",
    )
    worker_url: str | None = Field(
        None, description="What workers reach. The base URL if not given."
    )
    allow_http_workers: bool = Field(
        False, description="Let workers use plain http beyond this machine."
    )
    data: Path = Field(Path("data"), description="Folder of everything that Bellhop keeps.")
    database: str = Field("bellhop.db", description="Name of the database file in that folder.")
    app_id: int | None = Field(None, ge=1, description="The GitHub App's number.")
    client_id: str = Field("", description="The GitHub App's client id.")
    client_secret: SecretStr | None = Field(
        None, description="The GitHub App's client secret, for people's sign-in on the page."
    )
    private_key: SecretStr | None = Field(
        None, description="The GitHub App's private key, a PEM text."
    )
    private_key_file: Path | None = Field(None, description="A file with that key instead.")
    webhook_secret: SecretStr | None = Field(
        None, description="The secret that GitHub signs with. Without it nothing is accepted."
    )
    github_api_url: str = Field(
        "https://api.github.com", description="GitHub's REST API, `https://HOST/api/v3` on GHES."
    )
    github_url: str = Field("https://github.com", description="GitHub's web pages and git.")
    secret_key: SecretStr | None = Field(
        None, description="Key for secrets at rest. Made in the data folder if not given."
    )
    secret_key_file: Path | None = Field(None, description="A file with that key instead.")
    runner: str = Field("process", description="Where workers run by default.")
    runners: Names = Field((), description="All runners that may be chosen, comma separated.")
    agent: str = Field("command", description="The agent that works by default.")
    agents: Names = Field((), description="All agents that may be chosen, comma separated.")
    agent_command: str | None = Field(
        None, description="Shell command of the agent `command`; the prompt is on its input."
    )
    worker_image: str | None = Field(None, description="The worker image by default.")
    worker_images: Names = Field((), description="All images that may be chosen.")
    worker_user: str | None = Field(
        None, description="System user that the process runner's workers run as."
    )
    unsafe_process_runner: bool = Field(
        False, description="Run workers as the bot's own user although GitHub is real."
    )
    admins: Names = Field(
        (),
        description="Operators: logins or numeric ids, comma separated. A login is looked up once "
        "and kept by its id; digits alone are an id.",
    )
    metrics_token: SecretStr | None = Field(
        None, description="A token that reads `/metrics`, as `Authorization: Bearer …`."
    )
    max_running: int = Field(10, ge=1, description="Attempts that run at a time, in all.")
    max_running_per_repository: int = Field(3, ge=1, description="The same for one repository.")
    max_running_per_owner: int = Field(3, ge=1, description="The same for one person.")
    max_queued_per_owner: int = Field(
        2000, ge=1, description="Tasks of one person that wait for a place at most."
    )
    daily_cost_per_repository: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="US dollars that attempts on one repository may cost a day (UTC) in all.",
    )
    daily_cost_per_owner: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="The same of one person's tasks, over all repositories.",
    )
    time_limit: int = Field(
        1800, ge=60, le=86_400, description="Seconds that an attempt may take at most."
    )
    max_cost: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="US dollars an attempt may cost at most."
    )
    webhook_ports: Ports = Field(
        (), description="Ports that webhooks to programs may use, beside 443 and 8443."
    )
    allow_loopback_webhooks: bool = Field(
        False, description="Let webhooks to programs go to this machine, by plain http too."
    )
    keep_payloads: int = Field(14, ge=3, description="Days that deliveries are kept.")
    keep_logs: int = Field(30, ge=1, description="Days that workers' log lines are kept.")
    keep_tombstones: int = Field(
        30,
        ge=3,
        description="Days for which a redelivered command does not bring a deleted task back.",
    )
    log_level: Level = Field("info", description="The least level that is logged.")
    log_format: Literal["console", "json"] | None = Field(
        None, description="`console` on a terminal and `json` elsewhere, if not given."
    )

    @field_validator("runners", "agents", "worker_images", "admins", "webhook_ports", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("base_url", "worker_url", "github_api_url", "github_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is None:
            return None
        url = read_url(value)
        plain = not (url.query or url.fragment or url.user or url.password)
        if url.scheme not in {"http", "https"} or not url.host or not plain:
            raise ValueError("give an http or https URL without user, password and query")
        return str(url).rstrip("/")

    @property
    def public_url(self) -> str:
        """What people and GitHub reach, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.base_url or f"http://{host}:{self.port}"

    @property
    def workers_url(self) -> str:
        """What workers reach, without a slash at the end."""
        return self.worker_url or self.public_url

    @property
    def webhook_urls(self) -> UrlRules:
        """Where webhooks to programs may go."""
        return UrlRules(self.allow_loopback_webhooks, USUAL_PORTS | set(self.webhook_ports))

    @property
    def offline(self) -> bool:
        """Whether "GitHub" is on this machine: then it is no real one."""
        return is_loopback(self.github_api_url) and is_loopback(self.github_url)

    def rules(self, app_name: str) -> Rules:
        """What decisions may use of this."""
        return Rules(
            app_name=app_name,
            agents=_first(self.agent, self.agents),
            runners=_first(self.runner, self.runners),
            images=_first(self.worker_image, self.worker_images),
            time_limit=self.time_limit,
            max_cost=self.max_cost,
            max_running=self.max_running,
            max_running_per_repository=self.max_running_per_repository,
            max_running_per_owner=self.max_running_per_owner,
            max_queued_per_owner=self.max_queued_per_owner,
            daily_cost_per_repository=self.daily_cost_per_repository,
            daily_cost_per_owner=self.daily_cost_per_owner,
            web_url=self.github_url,
            pages_url=self._pages_url(),
        )

    def _pages_url(self) -> str:
        """Where those who read comments find the pages: nobody finds another's loopback."""
        found = self.offline or not is_loopback(self.public_url)
        return self.public_url.rstrip("/") if found else ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps Bellhop from starting, and what to do about it.

    `missing`: nothing was said at all, which keeps it from working, but not from being set up.
    """

    setting: str
    detail: str
    missing: bool = False


class BadSettings(Exception):  # noqa: N818 - the name says what is wrong
    """Every problem that was found, at once."""

    def __init__(self, problems: tuple[Problem, ...], rest: Settings | None = None) -> None:
        lines = "\n".join(f"  {one.setting}: {one.detail}" for one in problems)
        super().__init__(f"These settings need a look:\n{lines}")
        self.problems = problems
        self.rest = rest
        """The settings with defaults for those that cannot be read: to be looked at further."""


def load(env_file: Path | None = Path(".env")) -> Settings:
    """Read the settings.

    Raises:
        BadSettings: some are not of their type or range.
    """
    try:
        return Settings(_env_file=env_file)  # pyright: ignore[reportCallIssue] - pydantic-settings takes it, its stubs do not tell
    except ValidationError as error:
        wrong = {str(one["loc"][0]): _remedy(one) for one in error.errors()}
    fields = Settings.model_fields
    defaults = {name: fields[name].get_default(call_default_factory=True) for name in wrong}
    rest = Settings(_env_file=env_file, **defaults)  # pyright: ignore[reportCallIssue] - as above
    problems = tuple(Problem(f"BELLHOP_{name.upper()}", told) for name, told in wrong.items())
    raise BadSettings(problems, rest)


def _remedy(error: ErrorDetails) -> str:
    """What to give instead, in plain words; pydantic's own where there are none."""
    limits = error.get("ctx", {})
    words = _REMEDIES.get(error["type"])
    return words.format(**limits) if words else f"{error['msg']}."


_REMEDIES = {
    "int_parsing": "give a whole number, without a unit.",
    "int_from_float": "give a whole number, without a unit.",
    "float_parsing": "give a number, without a unit.",
    "finite_number": "give a number that has an end, or leave it out.",
    "bool_parsing": "give 1 or 0.",
    "greater_than": "give more than {gt:g}.",
    "greater_than_equal": "give {ge:g} or more.",
    "less_than_equal": "give {le:g} or less.",
    "string_pattern_mismatch": "give the name of a header: letters, digits and dashes.",
    "literal_error": "give one of {expected}.",
    "value_error": "{error}.",
}


def read_url(text: str) -> URL:
    """A URL that somebody gave, or that is made of what they gave, such as a Host.

    Raises:
        ValueError: it is none.
    """
    try:
        return URL(text)
    except IndexError:  # yarl's answer to `http://[a]@`
        raise ValueError("this is no URL") from None


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this very machine, whatever the network.

    Raises:
        ValueError: it is none.
    """
    host = read_url(url).host or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _first(default: str | None, offered: tuple[str, ...]) -> tuple[str, ...]:
    """The default one first, each once."""
    names = (default, *offered) if default else offered
    return tuple(dict.fromkeys(names))
