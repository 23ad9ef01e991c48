"""The form of a new task: what was typed, and what it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from bot.http.task_requests import LONGEST_PROMPT, NewTask
from handlers.options import MAX_TIME_LIMIT, MIN_TIME_LIMIT

FIELDS = (
    "repository", "issue", "prompt", "command", "branch", "agent", "model", "minutes", "max_cost",
)  # fmt: skip
"""The form's fields, in their order on the page."""

LONGEST = 2 * LONGEST_PROMPT
"""Characters of a field that are shown again; more is nobody's typing."""

_NAMES = {
    "repo_url": "repository",
    "issue_number": "issue",
    "time_limit": "minutes",
    "max_cost": "max_cost",
}
"""Where a field of a body has another name on the page."""

_WORDS = {
    "repository": "Choose a repository.",
    "prompt": f"Say what is to be done, in at most {LONGEST_PROMPT} characters.",
    "issue": "Give the number of an issue or pull request, such as 12.",
    "command": "Choose one of the two.",
    "branch": "Give the name of a branch, in at most 200 characters.",
    "agent": "Choose one of the agents.",
    "model": "Give a model as `name` or `provider/name`, such as `openai/gpt-5`.",
    "minutes": f"Give {MIN_TIME_LIMIT // 60} to {MAX_TIME_LIMIT // 60} minutes.",
    "max_cost": "Give an amount in US dollars above 0, such as 2.50.",
}

Errors = dict[str, str]
"""What is wrong, by field of the form."""


class WrongFields(Exception):  # noqa: N818 - it says what is wrong
    """Fields that cannot be used."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(f"wrong: {', '.join(errors)}")
        self.errors = errors


def typed_in(fields: Mapping[str, str]) -> dict[str, str]:
    """What was typed, field by field; nothing where a field was not sent."""
    return {name: fields.get(name, "").replace("\r\n", "\n")[:LONGEST] for name in FIELDS}


def task_of(typed: Mapping[str, str]) -> NewTask:
    """What a form asks for.

    Raises:
        WrongFields: Some cannot be used.
    """
    errors: Errors = {}
    body = {name: value for name, value in _body(typed, errors).items() if value is not None}
    try:
        new = NewTask.model_validate(body)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            name = form_name(str(one["loc"][0]) if one["loc"] else "")
            errors.setdefault(name, _WORDS.get(name, one["msg"]))
        raise WrongFields(errors) from None
    if errors:
        raise WrongFields(errors)
    return new


def errors_of(told: Sequence[Mapping[str, str]]) -> Errors:
    """The errors of a problem, at the form's fields as far as it has them."""
    named = {form_name(one["field"]): one["message"] for one in told}
    return {name: message for name, message in named.items() if name in FIELDS}


def form_name(field: str) -> str:
    """The form's name for a field of a body, in either spelling."""
    snake = re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", field)
    return _NAMES.get(snake, snake)


def _body(typed: Mapping[str, str], errors: Errors) -> dict[str, Any]:
    """The body of a request of the same meaning, None for what was left empty."""
    given = {name: text.strip() for name, text in typed.items()}
    minutes = _number(given, "minutes", errors)
    return {
        "repo_url": given["repository"] or None,
        "prompt": typed["prompt"] if given["prompt"] else None,
        "command": given["command"] or None,
        "issue_number": _whole(given, "issue", errors),
        "branch": given["branch"] or None,
        "agent": given["agent"] or None,
        "model": given["model"] or None,
        "time_limit": None if minutes is None else round(minutes * 60),
        "max_cost": _number(given, "max_cost", errors),
    }


def _whole(given: Mapping[str, str], name: str, errors: Errors) -> int | None:
    text = given[name].removeprefix("#")
    if not text:
        return None
    if re.fullmatch(r"[0-9]{1,12}", text, re.ASCII) is None:
        errors[name] = _WORDS[name]
        return None
    return int(text)


def _number(given: Mapping[str, str], name: str, errors: Errors) -> float | None:
    """A number of people's typing: with a dollar, or a comma where others have a point."""
    text = given[name].removeprefix("$").replace(",", ".").strip()
    if not text:
        return None
    if re.fullmatch(r"[0-9]{0,9}\.?[0-9]{0,9}", text, re.ASCII) is None or text == ".":
        errors[name] = _WORDS[name]
        return None
    return float(text)
