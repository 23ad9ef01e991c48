from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from handlers.repo_config import (
    MOST_PROBLEMS,
    ConfigProblem,
    RepoConfig,
    json_schema,
    parse_config,
)

SCHEMA = Path(__file__).parent.parent / "docs" / "bellhop.schema.json"


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n", "null\n", "{}"])
def test_a_file_that_says_nothing_means_the_defaults(text: str) -> None:
    assert parse_config(text) == RepoConfig(context="writers", request_review=True)


def test_all_keys_are_read() -> None:
    text = """\
agent: codex
model: openai/gpt-5/high
runner: container
image: ghcr.io/acme/worker:1.2
time_limit: 20m
max_cost: 0.50
concurrency: 2
context: everyone
request_review: false
"""
    assert parse_config(text) == RepoConfig(
        agent="codex",
        model="openai/gpt-5/high",
        runner="container",
        image="ghcr.io/acme/worker:1.2",
        time_limit=1200,
        max_cost=0.5,
        concurrency=2,
        context="everyone",
        request_review=False,
    )


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("time_limit: 60s", "time_limit", 60),
        ("time_limit: 1h30m", "time_limit", 5400),
        ("time_limit: '1d'", "time_limit", 86_400),
        ("max_cost: 5", "max_cost", 5.0),
        ("concurrency: 1", "concurrency", 1),
        ("concurrency: 100", "concurrency", 100),
        ("request_review: True", "request_review", True),
        ("context: writers", "context", "writers"),
        ("model: '4'", "model", "4"),
    ],
)
def test_values_at_the_edges_are_taken(line: str, field: str, value: object) -> None:
    config = parse_config(line)
    assert isinstance(config, RepoConfig)
    assert getattr(config, field) == value


@pytest.mark.parametrize(
    "line",
    [
        "agent: 5", "agent: ''", "agent:", "agent: [codex]", "agent: {a: b}", "agent: a b",
        "model: 4", "model: /x", "model: x/", "runner: true", "image: 'a b'", "image: UPPER",
        "time_limit: 20", "time_limit: 86400", "time_limit: 25h", "time_limit: '20'",
        "time_limit: 20x",
        "time_limit: 1:30", "time_limit: 0x50", "time_limit: 20.5", "time_limit: 59s",
        "max_cost: 0", "max_cost: -1", "max_cost: .inf", "max_cost: .nan", "max_cost: '5'",
        "max_cost: five", "concurrency: 0", "concurrency: 101", "concurrency: 1000",
        "concurrency: '2'", "concurrency: 1.5", "context: all", "context: 1",
        "request_review: 1", "request_review: 'true'", "request_review: no",
    ],
)  # fmt: skip
def test_a_value_that_is_not_right_is_named_with_its_line(line: str) -> None:
    problems = parse_config(f"# settings\n{line}\n")
    assert isinstance(problems, tuple)
    assert [(problem.line, problem.key) for problem in problems] == [(2, line.partition(":")[0])]
    assert "must be" in problems[0].message


def test_everything_wrong_is_told_at_once() -> None:
    text = "agent: codex\nagent: aider\nmodl: x\nzzz: 1\ncontext: all\n? [a]\n: b\n<<: {a: b}\n"
    problems = parse_config(text)
    assert isinstance(problems, tuple)
    told = [f"{problem.line} {problem.key}: {problem.message}" for problem in problems]
    assert [line.partition(" The keys are ")[0] for line in told] == snapshot(
        [
            "2 agent: `agent` stands here for the second time; keep one of them.",
            "3 modl: There is no key `modl`. Did you mean `model`?",
            "4 zzz: There is no key `zzz`.",
            "5 context: `context` must be `writers` or `everyone`.",
            "6 : There is no key `  `.",
            "8 <<: There is no key `<<`.",
        ]
    )
    keys = ", ".join(f"`{field.name}`" for field in dataclasses.fields(RepoConfig))
    assert problems[-1].message.endswith(f" The keys are {keys}.")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("- a\n", 1, "must be a list of `key: value`"),
        ("just text", 1, "must be a list of `key: value`"),
        ("!!python/object/apply:os.system [x]", 1, "must be a list of `key: value`"),
        ("agent: a\n---\nagent: b\n", 2, "several documents"),
        ("agent: a\nmodel: &m x\n", 2, "Anchors"),
        ("agent: &a x\nmodel: *a\n", 1, "Anchors"),
        ("agent: x\nmodel: *a\n", 2, "aliases"),
        ("agent: x\n\nmodel: [\n", 4, "not valid YAML"),
        ("agent: 'x\n", 2, "not valid YAML"),
        ("agent: @octocat", 1, "not valid YAML: `found character '@'"),
        ("\tagent: x", 1, "not valid YAML"),
        ("agent: \x00", 1, "a character in it is not allowed"),
        ("agent: \ud800", 1, "a character in it is not allowed"),
        ('agent: "\\UFFFFFFFF"', 1, "a character in it is not allowed"),
        ("[" * 60_000, 1, "nested too deeply"),
        ("a:\n b:\n  c:\n   d:\n    e:\n     f: 1\n", 6, "nested too deeply"),
        ("agent: x\n" + "#" * 65_536, 1, "larger than 64 KB"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(text: str, line: int, message: str) -> None:
    problems = parse_config(text)
    assert isinstance(problems, tuple)
    assert [(problem.line, problem.key) for problem in problems] == [(line, "")]
    assert message in problems[0].message


def test_a_file_of_just_the_allowed_size_is_read() -> None:
    assert parse_config("#" * 65_536) == RepoConfig()


LINES = st.sampled_from(
    ["agent: a", "model: [", "&a", "*a", "---", "...", "<<: *a", "? x", ": y", "- z", "!!int a"]
)


@given(st.text() | st.lists(LINES | st.text(max_size=5), max_size=6).map("\n".join))
@example("%YAML 9.9\n---\n")
@example("agent: !<%ff> x")
@example('"\\U00110000"')
def test_no_text_whatever_breaks_it(text: str) -> None:
    result = parse_config(text)
    if isinstance(result, RepoConfig):
        jsonschema.validate(yaml.safe_load(text), json_schema())
    else:
        assert all(isinstance(problem, ConfigProblem) and problem.line >= 1 for problem in result)
        assert result


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema(), "write json_schema() to the file"
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "document",
    [
        {"modl": "x"}, {"agent": 5}, {"time_limit": 59}, {"time_limit": "20"}, {"max_cost": 0},
        {"concurrency": 101}, {"context": "all"}, {"request_review": "yes"}, {"image": "a b"}, [],
    ],
)  # fmt: skip
def test_the_schema_refuses_what_the_code_refuses(document: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())
    assert isinstance(parse_config(yaml.safe_dump(document)), tuple)


def test_no_more_mistakes_are_told_than_anybody_mends_at_once() -> None:
    text = "\n".join(f"unknown_{number}: 1" for number in range(500))
    found = parse_config(text)
    assert isinstance(found, tuple)
    assert [one.line for one in found] == list(range(1, MOST_PROBLEMS + 1))
