"""From what is typed in the form of a new task to what it asks for."""

from __future__ import annotations

from typing import Any

import pytest

from bot.http.task_form import FIELDS, LONGEST, WrongFields, errors_of, task_of, typed_in
from bot.http.task_requests import LONGEST_PROMPT, NewTask


def typed(**fields: str) -> dict[str, str]:
    return typed_in(
        {"repository": "acme/widgets", "prompt": "Mend it.", "command": "fix", **fields}
    )


def wrong(**fields: str) -> dict[str, str]:
    with pytest.raises(WrongFields) as caught:
        task_of(typed(**fields))
    return caught.value.errors


def test_the_least_that_can_be_asked_for() -> None:
    assert task_of(typed()) == NewTask(repo_url="acme/widgets", prompt="Mend it.", command="fix")


def test_the_most_that_can_be_asked_for() -> None:
    new = task_of(
        typed(
            repository=" acme/widgets ",
            issue=" #12 ",
            prompt="  Mend it,\r\nplease.\r\n",
            command="ask",
            branch="next",
            agent="codex",
            model="openai/gpt-5",
            minutes="1,5",
            max_cost="$2.50",
        )
    )
    assert new == NewTask(
        repo_url="acme/widgets",
        issue_number=12,
        prompt="  Mend it,\nplease.\n",
        command="ask",
        branch="next",
        agent="codex",
        model="openai/gpt-5",
        time_limit=90,
        max_cost=2.5,
    )


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"repository": "  "}, "repository"),
        ({"repository": "x" * 3000}, "repository"),
        ({"prompt": " \n"}, "prompt"),
        ({"prompt": "x" * (LONGEST_PROMPT + 1)}, "prompt"),
        ({"command": "stop"}, "command"),
        ({"issue": "door"}, "issue"),
        ({"issue": "0"}, "issue"),
        ({"issue": "-1"}, "issue"),
        ({"issue": "9" * 12}, "issue"),
        ({"issue": "9" * 13}, "issue"),
        ({"issue": "٣"}, "issue"),
        ({"branch": "a..b"}, "branch"),
        ({"agent": "-x"}, "agent"),
        ({"model": "a b"}, "model"),
        ({"minutes": "0.5"}, "minutes"),
        ({"minutes": "1441"}, "minutes"),
        ({"minutes": "an hour"}, "minutes"),
        ({"minutes": "."}, "minutes"),
        ({"minutes": "1e9"}, "minutes"),
        ({"max_cost": "0"}, "max_cost"),
        ({"max_cost": "-1"}, "max_cost"),
        ({"max_cost": "nan"}, "max_cost"),
        ({"max_cost": "inf"}, "max_cost"),
        ({"max_cost": "1.000.000"}, "max_cost"),
        ({"max_cost": "99999999"}, "max_cost"),
    ],
)
def test_what_cannot_be_used_is_told_at_its_field(fields: dict[str, Any], name: str) -> None:
    errors = wrong(**fields)
    assert list(errors) == [name]
    assert errors[name].endswith((".", "`."))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    errors = wrong(repository="", prompt="", issue="x", minutes="0", max_cost="free")
    assert set(errors) == {"repository", "prompt", "issue", "minutes", "max_cost"}


def test_what_was_typed_is_shown_again_within_reason() -> None:
    shown = typed_in({"prompt": "x" * (LONGEST + 1), "form_token": "secret", "once": "id"})
    assert tuple(shown) == FIELDS
    assert len(shown["prompt"]) == LONGEST


def test_the_errors_of_a_body_stand_at_the_forms_fields() -> None:
    told = [
        {"field": "repoUrl", "message": "a"},
        {"field": "issue_number", "message": "b"},
        {"field": "model", "message": "c"},
        {"field": "webhookUrl", "message": "d"},
    ]
    assert errors_of(told) == {"repository": "a", "issue": "b", "model": "c"}
