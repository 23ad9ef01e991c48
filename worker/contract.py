"""What Bellhop asks of a worker: the answer of `GET /api/callbacks/task`, read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1


class ContractError(ValueError):
    """What Bellhop sent is not what this version of the contract says."""


@dataclass(frozen=True, slots=True)
class Person:
    """A name and an address, for a commit."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True, slots=True)
class GitHubToken:
    """A token that can read the one repository; `expires` is seconds since the epoch."""

    token: str
    expires: float


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt at one task.

    `head_branch` None: the answer is all that is wanted, nothing can be pushed. `head_sha`: where
    the work begins; None where it begins at the base branch. `config_from`: the branch whose agent
    configuration counts. `title` is what the commit is called unless the agent names it; it may
    be empty. `skip_ci`: the commits are to ask GitHub for no workflows. `deadline` is seconds since
    the epoch, `max_cost` US dollars; None: no limit.
    """

    task_id: str
    name: str
    attempt: int
    command: str
    title: str
    prompt: str
    context: str
    clone_url: str
    base_branch: str
    head_branch: str | None
    head_sha: str | None
    config_from: str | None
    push_url: str | None
    github_token: GitHubToken
    commit_author: Person
    co_authors: tuple[Person, ...]
    skip_ci: bool
    agent: str
    agent_command: str | None
    model: str | None
    credentials: Mapping[str, str]
    deadline: float
    max_cost: float | None


TIME_WARNING = "time-limit"
"""The id of the message that most of the time is over: it is for the log, not for the agent."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something that Bellhop says to the worker until the worker acknowledges its id."""

    id: str
    text: str


def read_messages(data: object) -> tuple[Message, ...]:
    """Read `[{id, text}]`, as in the answer to a report; None is no message.

    Raises:
        ContractError: It is not that.
    """
    rows = _list({"messages": data or []}, "messages")
    fields = [_mapping(row, "messages") for row in rows]
    return tuple([Message(_text(one, "id"), _text(one, "text")) for one in fields])


def read_assignment(data: object, task_id: str) -> Assignment:
    """Check and translate the assignment of a task; fields that are not known are ignored.

    Raises:
        ContractError: A field is missing or of the wrong kind, or the contract is another one.
    """
    fields = _mapping(data, "the assignment")
    version = _number(fields, "contractVersion")
    if version != VERSION:
        raise ContractError(
            f"Bellhop speaks contract version {version}, this worker version {VERSION}. "
            "Use the worker that belongs to this Bellhop."
        )
    if _text(fields, "taskId") != task_id:
        raise ContractError("The assignment is another task's.")
    return Assignment(
        task_id=task_id,
        name=_text(fields, "name"),
        attempt=_number(fields, "attempt"),
        command=_text(fields, "command"),
        title=_optional_text(fields, "title") or "",
        prompt=_text(fields, "prompt"),
        context=_text(fields, "context"),
        clone_url=_web_url(_text(fields, "cloneUrl"), "cloneUrl"),
        base_branch=_branch(_text(fields, "baseBranch")),
        head_branch=_optional_branch(fields, "headBranch"),
        head_sha=_commit(fields),
        config_from=_optional_branch(fields, "configFrom"),
        push_url=_push_url(fields),
        github_token=read_token(fields.get("githubToken")),
        commit_author=_person(fields.get("commitAuthor"), "commitAuthor"),
        co_authors=tuple(_person(one, "coAuthors") for one in _list(fields, "coAuthors")),
        skip_ci=_flag(fields, "skipCi"),
        agent=_text(fields, "agent"),
        agent_command=_optional_text(fields, "agentCommand"),
        model=_optional_text(fields, "model"),
        credentials=_credentials(fields.get("credentials")),
        deadline=read_time(fields.get("deadline"), "deadline"),
        max_cost=_optional_amount(fields, "maxCost"),
    )


def read_token(data: object) -> GitHubToken:
    """Read `{token, expiresAt}`, as in the assignment and in the answer for a fresh one.

    Raises:
        ContractError: It is not that.
    """
    fields = _mapping(data, "githubToken")
    return GitHubToken(_text(fields, "token"), read_time(fields.get("expiresAt"), "expiresAt"))


def read_time(value: object, name: str) -> float:
    """An RFC 3339 time as seconds since the epoch.

    Raises:
        ContractError: It is no time, or one without an offset.
    """
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ContractError(f"`{name}` is not an RFC 3339 time.") from None
    if moment.tzinfo is None:
        raise ContractError(f"`{name}` has no offset from UTC.")
    return moment.timestamp()


def _mapping(data: object, name: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ContractError(f"`{name}` is not an object.")
    return cast("dict[str, Any]", data)


def _list(fields: dict[str, Any], name: str) -> list[object]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise ContractError(f"`{name}` is not a list.")
    return cast("list[object]", value)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ContractError(f"`{name}` is not a text.")
    return value


def _optional_text(fields: dict[str, Any], name: str) -> str | None:
    return None if fields.get(name) is None else _text(fields, name)


def _flag(fields: dict[str, Any], name: str) -> bool:
    """What a Bellhop that is a little older does not say is false."""
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise ContractError(f"`{name}` is neither true nor false.")
    return value


def _number(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ContractError(f"`{name}` is not a whole number.")
    return value


def _optional_amount(fields: dict[str, Any], name: str) -> float | None:
    value = fields.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ContractError(f"`{name}` is not a number.")
    return value


def _person(data: object, name: str) -> Person:
    fields = _mapping(data, name)
    return Person(_text(fields, "name"), _text(fields, "email"))


def _credentials(data: object) -> dict[str, str]:
    fields = _mapping(data, "credentials")
    return {name: _text(fields, name) for name in fields}


def _branch(name: str) -> str:
    """Accept a branch that git takes for nothing else, neither an option nor a set of branches."""
    if not name or name.startswith("-") or any(sign in name for sign in ":*?[\\^~ \n"):
        raise ContractError(f"`{name}` is not the name of a branch.")
    return name


def _optional_branch(fields: dict[str, Any], name: str) -> str | None:
    branch = _optional_text(fields, name)
    return None if branch is None else _branch(branch)


def _commit(fields: dict[str, Any]) -> str | None:
    commit = _optional_text(fields, "headSha")
    if commit is not None and not re.fullmatch("[0-9a-f]{40}([0-9a-f]{24})?", commit):
        raise ContractError("`headSha` is not the full id of a commit.")
    return commit


def _push_url(fields: dict[str, Any]) -> str | None:
    url = _optional_text(fields, "pushUrl")
    if url is None and fields.get("headBranch") is not None:
        raise ContractError("There is a `headBranch` but no `pushUrl` to push it to.")
    return None if url is None else _web_url(url, "pushUrl")


def _web_url(url: str, name: str) -> str:
    """Accept addresses that git reads over HTTP and nothing that runs a command or holds a key."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ContractError(f"`{name}` is not a plain http or https address.")
    return url
