"""What people and programs send about tasks."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, StringConstraints
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from bot.http.bodies import Body
from handlers.commands import COMMANDS
from handlers.on_request import LONGEST_MESSAGE
from handlers.options import MAX_TIME_LIMIT, MIN_TIME_LIMIT, is_branch, is_model, is_name
from handlers.own_commands import NAME

LONGEST_PROMPT = 60_000
LONGEST_URL = 2_048
MOST_PAIRS = 16
# What the document says of forms; they are checked below, and told in words of their own.
NOT_BLANK: JsonDict = {"pattern": r"\S"}
LIKE_AGENT: JsonDict = {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$"}
LIKE_MODEL: JsonDict = {
    "pattern": "^[A-Za-z0-9][A-Za-z0-9._:@+-]*(/[A-Za-z0-9._:/@+-]+)?$",
}
LIKE_REPOSITORY: JsonDict = {
    "pattern": "^(https?://.+/)?[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/?$",
    "examples": ["https://github.com/acme/widgets", "acme/widgets"],
}

Ending = Literal["completed", "failed", "cancelled"]
"""A final status that a program can be told of, and whose tasks can be removed many at a time."""
ENDINGS: tuple[Ending, ...] = get_args(Ending)


def _said(text: str) -> str:
    """NUL has no place in environments, arguments and comments."""
    if not text.strip():
        raise PydanticCustomError("blank", "it is blank: say what is wanted")
    return text.replace("\0", "\ufffd")


def _whole(text: str) -> str:
    return text.replace("\0", "\ufffd")


def _agent(text: str) -> str:
    if not is_name(text):
        raise PydanticCustomError("agent", "it is not the name of an agent, such as `codex`")
    return text


def _model(text: str) -> str:
    if not is_model(text):
        raise PydanticCustomError(
            "model", "it is no model: `name` or `provider/name`, such as `openai/gpt-5`"
        )
    return text


def _branch(text: str) -> str:
    if not is_branch(text):
        raise PydanticCustomError("branch", "git allows no branch of this name")
    return text


def _of_work(name: str) -> str:
    kind = COMMANDS.get(name)
    if kind is not None and not kind.makes_task:
        raise PydanticCustomError(
            "command", "it makes no task: name `fix`, `ask` or one of the repository's own"
        )
    return name


def _once(events: list[Ending]) -> list[Ending]:
    return list(dict.fromkeys(events))


Agent = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    AfterValidator(_agent),
    Field(json_schema_extra=LIKE_AGENT),
]
Model = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(_model),
    Field(json_schema_extra=LIKE_MODEL),
]
OfWork = Annotated[str, StringConstraints(pattern=f"^{NAME}$"), AfterValidator(_of_work)]
"""The name of a command that makes a task; of which a repository can have its own."""
Branch = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_branch)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_whole)]
Value = Annotated[str, StringConstraints(max_length=512), AfterValidator(_whole)]


class NewTask(Body):
    """A task that is asked for.

    `command` is `fix`, `ask` or one of the repository's own. `branch` is the one to start from, the
    default branch if left out. Limits that the repository
    or the operator sets lower than asked for are the ones that count.
    """

    own_names = frozenset({"metadata"})

    repo_url: Annotated[
        str,
        StringConstraints(min_length=1, max_length=LONGEST_URL),
        Field(json_schema_extra=LIKE_REPOSITORY),
    ]
    prompt: Annotated[
        str,
        StringConstraints(min_length=1, max_length=LONGEST_PROMPT),
        AfterValidator(_said),
        Field(json_schema_extra=NOT_BLANK),
    ]
    branch: Branch | None = None
    agent: Agent | None = None
    model: Model | None = None
    command: OfWork = "fix"
    issue_number: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    webhook_url: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)] | None = (
        None
    )
    webhook_events: (
        Annotated[list[Ending], Field(min_length=1, max_length=10), AfterValidator(_once)] | None
    ) = None
    time_limit: Annotated[int, Field(ge=MIN_TIME_LIMIT, le=MAX_TIME_LIMIT)] | None = None
    max_cost: Annotated[float, Field(gt=0, le=10**6)] | None = None
    metadata: Annotated[dict[Key, Value], Field(max_length=MOST_PAIRS)] = Field(
        default_factory=dict[str, str]
    )


class NewMessage(Body):
    """Something more to say to a task's worker; `model` is for the attempt that it may begin."""

    text: Annotated[
        str,
        StringConstraints(min_length=1, max_length=LONGEST_MESSAGE),
        AfterValidator(_said),
        Field(json_schema_extra=NOT_BLANK),
    ]
    model: Model | None = None


class Extension(Body):
    """More time, in seconds, within what the operator allows in all."""

    seconds: Annotated[int, Field(ge=1, le=MAX_TIME_LIMIT)]
