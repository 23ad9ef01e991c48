"""`allow_apps` of `.github/bellhop.yml`, with all that can be wrong in it."""

from __future__ import annotations

import jsonschema
import pytest
import yaml
from inline_snapshot import snapshot

from handlers.app_list import MOST_APPS
from handlers.repo_config import RepoConfig, json_schema, parse_config
from tests.makers import folded

GOOD = """\
allow_apps:
  renovate: [fix]
  Sentry-2:
    - ask
    - fix
"""


def test_apps_are_known_by_their_slugs() -> None:
    fix, ask = frozenset({"fix"}), frozenset({"ask", "fix"})
    assert parse_config(GOOD) == RepoConfig(allow_apps={"renovate": fix, "sentry-2": ask})
    jsonschema.validate(yaml.safe_load(GOOD), json_schema())
    assert parse_config("allow_apps: {}") == RepoConfig()


def test_what_is_wrong_is_named_with_line_and_key() -> None:
    text = """\
allow_apps:
  renovate[bot]: [fix]
  a b: fix
  lazy: []
  nested: [[fix], {ask: 1}]
  odd: [fxi, approve, fix, fix, 5]
  ODD: [ask]
  empty:
"""
    problems = parse_config(text)
    assert isinstance(problems, tuple)
    told = "\n".join(f"{one.line} {one.key}: {one.message}" for one in problems)
    assert folded(told) == snapshot("""\
2 allow_apps.renovate[bot]: `renovate[bot]` is no App's
name: take the last part of its address,
`https://github.com/apps/NAME`, without `[bot]`.
3 allow_apps.a b: `a b` is no App's name: take the last part
of its address, `https://github.com/apps/NAME`, without
`[bot]`.
3 allow_apps.a b: It must be a list of commands, for example
`[fix, ask]`.
4 allow_apps.lazy: It must be a list of commands, for
example `[fix, ask]`.
5 allow_apps.nested: A command is one word, such as `fix`.
5 allow_apps.nested: A command is one word, such as `fix`.
6 allow_apps.odd: There is no command `fxi`. Did you mean
`fix`?
6 allow_apps.odd: `approve` is for people alone.
6 allow_apps.odd: `fix` stands here for the second time;
keep one of them.
6 allow_apps.odd: There is no command `5`.
7 allow_apps.ODD: The App `ODD` stands here for the second
time; keep one of them.
8 allow_apps.empty: It must be a list of commands, for
example `[fix, ask]`.\
""")


@pytest.mark.parametrize("value", ["fix", "[fix]", "5", "", "true"])
def test_it_is_a_list_of_apps(value: str) -> None:
    problems = parse_config(f"agent: codex\nallow_apps: {value}\n")
    assert isinstance(problems, tuple)
    assert [(one.line, one.key) for one in problems] == [(2, "allow_apps")]
    assert "must be a list of `app: [command]`, for example" in problems[0].message


def test_it_stands_there_once_and_holds_so_many() -> None:
    twice = parse_config(f"{GOOD}allow_apps:\n  other: [nonsense]\n")
    assert isinstance(twice, tuple)
    assert [(one.line, one.key) for one in twice] == [(6, "allow_apps")]
    names = "".join(f"  app-{number}: [fix]\n" for number in range(MOST_APPS + 1))
    many = parse_config(f"allow_apps:\n{names}")
    assert isinstance(many, tuple)
    assert [one.message for one in many] == [
        "There are more than 20 Apps; keep those that are used."
    ]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(f"allow_apps:\n{names}"), json_schema())


@pytest.mark.parametrize(
    "wrong",
    [{"renovate[bot]": ["fix"]}, {"one": []}, {"one": ["approve"]}, {"one": "fix"}, ["fix"]],
)
def test_editors_know_what_is_wrong(wrong: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"allow_apps": wrong}, json_schema())
