"""What the settings must say before Bellhop starts: one list of checks, each with its remedy.

`bellhop serve` refuses to start while one of them finds something; `bellhop doctor` and
`GET /api/startup/check` tell each of them, among what they look at besides.
"""

from __future__ import annotations

import getpass
import os
import pwd
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.runners.refusal import refusal
from bot.settings import Problem, Settings, is_loopback

KNOWN_RUNNERS = ("process",)
PROGRAMS: Mapping[str, str | None] = MappingProxyType(
    {
        "command": None,
        "claude": "claude",
        "codex": "codex",
        "opencode": "opencode",
        "gemini": "gemini",
        "aider": "aider",
        "mini-swe-agent": "mini",
    }
)
"""The agents that the reference worker knows, and the program of each; None: the operator's own."""
LEAST_SECRET = 32
"""Characters of a secret key that is given by a setting."""


LEAST_TOKEN = 16
"""Characters of the token for metrics."""

Check = Callable[[Settings], list[Problem]]


def problems(settings: Settings) -> tuple[Problem, ...]:
    """Everything that keeps these settings from working, without touching the network."""
    return tuple(problem for _, check in CHECKS for problem in check(settings))


def private_key(settings: Settings) -> str:
    """The App's private key as PEM text, from the setting or its file.

    Raises:
        OSError: the file cannot be read.
    """
    if settings.private_key is not None:
        # One line with \n in it is how a PEM survives most ways of setting a variable.
        return settings.private_key.get_secret_value().replace("\\n", "\n")
    return Path(settings.private_key_file or "").read_text()


def _secrets(settings: Settings) -> list[Problem]:
    """A short key could be guessed from any marker in a public comment."""
    remedy = (
        f"it is shorter than {LEAST_SECRET} characters; make one with "
        "`python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`."
    )
    key = settings.secret_key
    found: list[Problem] = []
    if key is not None and len(key.get_secret_value()) < LEAST_SECRET:
        found.append(Problem("BELLHOP_SECRET_KEY", remedy))
    file = settings.secret_key_file
    if key is None and file is not None:
        if not file.is_file():
            found.append(Problem("BELLHOP_SECRET_KEY_FILE", "there is no such file."))
        elif len(file.read_bytes().strip()) < LEAST_SECRET:
            found.append(Problem("BELLHOP_SECRET_KEY_FILE", remedy))
    return found


def has_no_app(settings: Settings) -> bool:
    """Whether nothing at all is said of an App: then the set-up page makes one."""
    return not any(
        (
            settings.app_id,
            settings.client_id,
            settings.client_secret,
            settings.private_key,
            settings.private_key_file,
            settings.webhook_secret,
        )
    )


def app_problems(settings: Settings) -> tuple[Problem, ...]:
    """What is missing to speak as the GitHub App."""
    checks = (_app_id, _webhook_secret, _private_key)
    return tuple(problem for check in checks for problem in check(settings))


def _app_id(settings: Settings) -> list[Problem]:
    if settings.app_id is not None:
        return []
    remedy = "set it to the number on your App's page."
    if has_no_app(settings):
        remedy = f"start `bellhop serve`, whose page /setup makes an App; or {remedy}"
    return [Problem("BELLHOP_APP_ID", remedy, missing=True)]


def _webhook_secret(settings: Settings) -> list[Problem]:
    if settings.webhook_secret is not None:
        return []
    return [
        Problem(
            "BELLHOP_WEBHOOK_SECRET", "set it to the secret of your App's webhook.", missing=True
        )
    ]


def _private_key(settings: Settings) -> list[Problem]:
    name = "BELLHOP_PRIVATE_KEY_FILE"
    if settings.private_key is not None:
        return _key(settings)
    if settings.private_key_file is None:
        return [Problem(name, "name the .pem file that your App's page made.", missing=True)]
    if not settings.private_key_file.is_file():
        return [Problem(name, "there is no such file.")]
    return _key(settings)


def _metrics_token(settings: Settings) -> list[Problem]:
    token = settings.metrics_token
    if token is None or len(token.get_secret_value()) >= LEAST_TOKEN:
        return []
    remedy = f"it is shorter than {LEAST_TOKEN} characters, and whoever guesses it reads metrics."
    return [Problem("BELLHOP_METRICS_TOKEN", remedy)]


def _key(settings: Settings) -> list[Problem]:
    """A key that is none would be noticed by GitHub alone, and late."""
    name = "BELLHOP_PRIVATE_KEY" + ("_FILE" if settings.private_key is None else "")
    try:
        key = load_pem_private_key(private_key(settings).encode(), password=None)
    except OSError as error:
        return [Problem(name, f"it cannot be read ({error.strerror}): let Bellhop's user read it.")]
    except (TypeError, ValueError):
        key = None
    if isinstance(key, RSAPrivateKey):
        return []
    remedy = "it is no RSA key in PEM form: give the .pem file as the App's page made it, whole."
    return [Problem(name, remedy)]


def _runners(settings: Settings) -> list[Problem]:
    rules = settings.rules("bellhop")
    found = [
        Problem("BELLHOP_RUNNERS", f"there is no runner {name!r}; use {', '.join(KNOWN_RUNNERS)}.")
        for name in rules.runners
        if name not in KNOWN_RUNNERS
    ]
    no = refusal(
        github_is_simulator=settings.offline,
        worker_user=settings.worker_user,
        unsafe=settings.unsafe_process_runner,
    )
    if no is not None and "process" in rules.runners:
        found.append(Problem("BELLHOP_RUNNER", no, missing=True))
    if settings.worker_user in {"root", getpass.getuser()}:
        remedy = "name another user than root and Bellhop's own, or workers could read its keys."
        found.append(Problem("BELLHOP_WORKER_USER", remedy))
    elif settings.worker_user is not None and "process" in rules.runners:
        found += _worker_user(settings.worker_user)
    return found


def _worker_user(name: str) -> list[Problem]:
    try:
        pwd.getpwnam(name)
    except KeyError:
        remedy = "there is no such system user: create it, or name another one."
        return [Problem("BELLHOP_WORKER_USER", remedy)]
    if os.geteuid() != 0:
        remedy = "only root can run workers as somebody else: run Bellhop as root, or unset it."
        return [Problem("BELLHOP_WORKER_USER", remedy)]
    return []


def _agents(settings: Settings) -> list[Problem]:
    agents = settings.rules("bellhop").agents
    found = [
        Problem("BELLHOP_AGENTS", f"there is no agent {name!r}; use {', '.join(PROGRAMS)}.")
        for name in agents
        if name not in PROGRAMS
    ]
    if "command" in agents and not settings.agent_command:
        remedy = "set it to a shell command that reads the prompt from its input."
        found.append(Problem("BELLHOP_AGENT_COMMAND", remedy, missing=True))
    return found


def _github_urls(settings: Settings) -> list[Problem]:
    return [
        Problem(name, "tokens would travel unencrypted: use https.")
        for name, url in (
            ("BELLHOP_GITHUB_API_URL", settings.github_api_url),
            ("BELLHOP_GITHUB_URL", settings.github_url),
        )
        if url.startswith("http://") and not is_loopback(url)
    ]


def _worker_url(settings: Settings) -> list[Problem]:
    url = settings.workers_url
    if not url.startswith("http://") or is_loopback(url) or settings.allow_http_workers:
        return []
    remedy = (
        "worker tokens would travel unencrypted: use https, or set "
        "BELLHOP_ALLOW_HTTP_WORKERS=1 on a network that you trust."
    )
    return [Problem("BELLHOP_WORKER_URL", remedy)]


CHECKS: tuple[tuple[str, Check], ...] = (
    ("BELLHOP_APP_ID", _app_id),
    ("BELLHOP_WEBHOOK_SECRET", _webhook_secret),
    ("BELLHOP_PRIVATE_KEY", _private_key),
    ("BELLHOP_SECRET_KEY", _secrets),
    ("BELLHOP_RUNNERS", _runners),
    ("BELLHOP_AGENTS", _agents),
    ("BELLHOP_GITHUB_URL", _github_urls),
    ("BELLHOP_WORKER_URL", _worker_url),
    ("BELLHOP_METRICS_TOKEN", _metrics_token),
)
"""What each of them looks at, and how."""
