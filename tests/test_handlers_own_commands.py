"""Commands of a repository's own, and labels: how they are read, and what they come to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from handlers import decide
from handlers.admission import deaf_to
from handlers.circumstances import Circumstances
from handlers.commands import COMMANDS, Command, Options, candidates, may_name_own, parse
from handlers.decision import NOTHING, Decision, Rules
from handlers.deliveries import IssueLabeled
from handlers.effects import Comment
from handlers.events import WorkRequested
from handlers.github_objects import Actor, Repository, Subject
from handlers.label_commands import LONGEST_LABEL, MOST_LABELS, label_key
from handlers.own_commands import (
    LONGEST_DESCRIPTION,
    LONGEST_PROMPT,
    MOST_COMMANDS,
    OwnCommand,
    plain_kind,
)
from handlers.repo_config import ConfigProblem, RepoConfig, json_schema, parse_config
from handlers.roles import Role
from handlers.task import Approval, Branches, Status
from handlers.values import ErrorCode, Origin
from tests.makers import (
    ADA,
    APP,
    BOB,
    HERE,
    ID,
    NOON,
    ON_PULL,
    PULL,
    RULES,
    command_given,
    now_task,
    task_in,
    view,
)
from tests.makers import (
    given as said,
)

DEPLOY = OwnCommand(
    "deploy", "deploys it", "Deploy it.", Role.MAINTAIN, agent="codex", time_limit=60
)
EXPLAIN = OwnCommand("explain", "explains it", "Explain it.", Role.TRIAGE, "answer")
CONFIG = RepoConfig(
    agent="command",
    model="gpt",
    time_limit=600,
    max_cost=5.0,
    labels={"ring": "fix"},
    commands={"deploy": DEPLOY, "explain": EXPLAIN},
)
KINDS = {name: one.kind for name, one in CONFIG.commands.items()}
WIDE = Rules(APP, agents=("command", "codex"))
BROKEN = (ConfigProblem(1, "x", "is wrong"),)


def config(text: str) -> RepoConfig:
    found = parse_config(text)
    assert isinstance(found, RepoConfig), found
    return found


def problems(text: str) -> list[str]:
    found = parse_config(text)
    assert isinstance(found, tuple), found
    return [f"{one.line} {one.key}: {one.message}" for one in found]


def body_of(decision: Decision) -> str:
    (body,) = [one.body for one in decision.effects if isinstance(one, Comment)]
    return body


def test_all_that_a_command_says_is_read() -> None:
    found = config(
        """\
commands:
  deploy-it:
    description: deploys it
    prompt: |
      Deploy it.
    permission: admin
    result: answer
    agent: codex
    model: openai/gpt-5
    image: acme/worker:1
    time_limit: 5m
    max_cost: 2.5
  explain: {description: explains it, prompt: Explain it., result: answer}
  mend: {description: mends it, prompt: Mend it.}
"""
    )
    assert found.commands["deploy-it"] == OwnCommand(
        *("deploy-it", "deploys it", "Deploy it.", Role.ADMIN, "answer"),
        *("codex", "openai/gpt-5", "acme/worker:1", 300, 2.5),
    )
    assert found.commands["explain"].permission is Role.TRIAGE
    assert found.commands["mend"] == OwnCommand("mend", "mends it", "Mend it.", Role.WRITE)


def test_labels_are_told_apart_as_github_does() -> None:
    found = config(
        "labels:\n  Ring The BELL: fix\n  x: deploy\ncommands:\n"
        "  deploy: {description: d, prompt: p}\n"
    )
    assert found.labels == {"ring the bell": "fix", "x": "deploy"}
    assert label_key("Ring the bell") in found.labels
    assert config("commands: {}\nlabels: {}\n") == RepoConfig()


MISTAKES = {
    "no mapping": "commands: [deploy]\nlabels: fix\n",
    "nothing": "commands:\nlabels:\n",
    "no command": "commands:\n  deploy:\n  explain: it\n  mend: [a]\n",
    "what is missing and what is too much": (
        "commands:\n  deploy:\n    prompt: Deploy.\n    promt: Deploy.\n    prompt: Again.\n"
    ),
    "values": (
        "commands:\n  deploy:\n    description: ''\n    prompt: 5\n    permission: read\n"
        "    result: poem\n    agent: a b\n    model: [x]\n    time_limit: 5\n    max_cost: 0\n"
        "    image: UPPER\n"
    ),
    "names": (
        "commands:\n  fix: {description: d, prompt: p}\n  Bellhop: {description: d, prompt: p}\n"
        "  bellhop: {description: d, prompt: p}\n  '1st': {description: d, prompt: p}\n"
        f"  {'x' * 32}: {{description: d, prompt: p}}\n"
        "  mend: {description: d, prompt: p}\n  mend: {description: d, prompt: p}\n"
    ),
    "labels": (
        "labels:\n  a: ask\n  b: stop\n  c: fiks\n  d: [fix]\n  e: 5\n  A: fix\n  '': fix\n"
        f"  {'x' * 51}: fix\n"
    ),
    "twice": "commands: {}\ncommands: {}\nlabels: {}\nlabels: {}\n",
    "too many": "commands:\n"
    + "".join(f"  c{n}: {{description: d, prompt: p}}\n" for n in range(MOST_COMMANDS + 1))
    + "labels:\n"
    + "".join(f"  l{n}: fix\n" for n in range(MOST_LABELS + 1)),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_wrong_is_named_with_line_and_key(name: str) -> None:
    assert (
        problems(MISTAKES[name])
        == snapshot(
            {
                "no mapping": [
                    "1 commands: `commands` must be a list of names, each with its `description` and `prompt`.",
                    "2 labels: `labels` must be a list of `label: command`, for example `bellhop: fix`.",
                ],
                "too many": [
                    "1 commands: There are more than 20 commands; keep those that people use.",
                    "23 labels: There are more than 50 labels; keep those that people use.",
                ],
                "names": [
                    "2 commands.fix: `/fix` is Bellhop's own and cannot be redefined; choose another name.",
                    "3 commands.Bellhop: `Bellhop` cannot be a command's name: at most 31 small letters, digits and hyphens, of which the first is a letter.",
                    "4 commands.bellhop: `/bellhop` is Bellhop's own and cannot be redefined; choose another name.",
                    "5 commands.1st: `1st` cannot be a command's name: at most 31 small letters, digits and hyphens, of which the first is a letter.",
                    "6 commands.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` cannot be a command's name: at most 31 small letters, digits and hyphens, of which the first is a letter.",
                    "8 commands.mend: The command `mend` stands here for the second time; keep one of them.",
                ],
                "no command": [
                    "2 commands.deploy: `commands.deploy` needs a `description`: one line of at most 200 characters that says what the command does.",
                    "2 commands.deploy: `commands.deploy` needs a `prompt`: a text of at most 10,000 characters: what the agent is asked.",
                    "3 commands.explain: `commands.explain` needs a `description`: one line of at most 200 characters that says what the command does.",
                    "3 commands.explain: `commands.explain` needs a `prompt`: a text of at most 10,000 characters: what the agent is asked.",
                    "4 commands.mend: `commands.mend` needs a `description`: one line of at most 200 characters that says what the command does.",
                    "4 commands.mend: `commands.mend` needs a `prompt`: a text of at most 10,000 characters: what the agent is asked.",
                ],
                "twice": [
                    "2 commands: `commands` stands here for the second time; keep one of them.",
                    "4 labels: `labels` stands here for the second time; keep one of them.",
                ],
                "what is missing and what is too much": [
                    "2 commands.deploy: `commands.deploy` needs a `description`: one line of at most 200 characters that says what the command does.",
                    "4 commands.deploy.promt: There is no key `promt`. Did you mean `prompt`? The keys are `description`, `prompt`, `permission`, `result`, `agent`, `model`, `image`, `time_limit`, `max_cost`.",
                    "5 commands.deploy.prompt: `commands.deploy.prompt` stands here for the second time; keep one of them.",
                ],
                "nothing": [
                    "1 commands: `commands` must be a list of names, each with its `description` and `prompt`.",
                    "2 labels: `labels` must be a list of `label: command`, for example `bellhop: fix`.",
                ],
                "values": [
                    "3 commands.deploy.description: `commands.deploy.description` must be one line of at most 200 characters that says what the command does.",
                    "4 commands.deploy.prompt: `commands.deploy.prompt` must be a text of at most 10,000 characters: what the agent is asked.",
                    "5 commands.deploy.permission: `commands.deploy.permission` must be one of the roles `triage`, `write`, `maintain` and `admin`.",
                    "6 commands.deploy.result: `commands.deploy.result` must be `pull_request` or `answer`.",
                    "7 commands.deploy.agent: `commands.deploy.agent` must be the name of an agent, for example `codex`.",
                    "8 commands.deploy.model: `commands.deploy.model` must be a text, `name` or `provider/name` (a number needs quotes).",
                    "9 commands.deploy.time_limit: `commands.deploy.time_limit` must be a time from `60s` to `1d` with its unit (s, m, h, d), for example `20m`.",
                    "10 commands.deploy.max_cost: `commands.deploy.max_cost` must be a number of US dollars above 0, for example `5` or `0.50`.",
                    "11 commands.deploy.image: `commands.deploy.image` must be the name of an image, for example `ghcr.io/acme/worker:1`.",
                ],
                "labels": [
                    "2 labels.a: `/ask` needs more than a label says: a label can ask for `fix`, or for one of `commands`.",
                    "3 labels.b: `/stop` needs more than a label says: a label can ask for `fix`, or for one of `commands`.",
                    "4 labels.c: A label can ask for `fix`, or for one of `commands`; `fiks` is neither. Did you mean `fix`?",
                    "5 labels.d: A label can ask for `fix`, or for one of `commands`; `  ` is neither.",
                    "6 labels.e: A label can ask for `fix`, or for one of `commands`; `5` is neither.",
                    "7 labels.A: The label `A` stands here for the second time; keep one of them.",
                    "8 labels.: A label's name has 1 to 50 characters.",
                    "9 labels.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: A label's name has 1 to 50 characters.",
                ],
            }
        )[name]
    )


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("description", "d" * LONGEST_DESCRIPTION, "d" * (LONGEST_DESCRIPTION + 1)),
        ("description", "d", "two\nlines"),
        ("prompt", "p" * LONGEST_PROMPT, "p" * (LONGEST_PROMPT + 1)),
        ("prompt", "p\nq", " \n"),
        ("prompt", "p", "p\0"),
    ],
)
def test_texts_are_bounded(key: str, right: str, wrong: str) -> None:
    def with_text(text: str) -> Any:
        return {"commands": {"deploy": {"description": "d", "prompt": "p", key: text}}}

    assert config(yaml.safe_dump(with_text(right))).commands["deploy"]
    assert problems(yaml.safe_dump(with_text(wrong)))[0].split(" ")[1] == f"commands.deploy.{key}:"


NODES = st.recursive(
    st.sampled_from(["fix", "ask", "deploy", "write", "answer", "", 5, None, 2.5, True]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["description", "prompt", "permission", "result", "agent", "deploy", "x", ""]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(NODES, NODES)
@example({"deploy": {"description": "d", "prompt": "p"}}, {"x": "deploy"})
def test_whatever_stands_there_is_read_or_told(commands: object, labels: object) -> None:
    text = yaml.safe_dump({"commands": commands, "labels": labels})
    found = parse_config(text)
    if isinstance(found, RepoConfig):
        jsonschema.validate(yaml.safe_load(text), json_schema())
    else:
        assert all(isinstance(one, ConfigProblem) and one.line >= 1 for one in found)
        assert found


@pytest.mark.parametrize(
    "document",
    [
        {"commands": {"fix": {"description": "d", "prompt": "p"}}},
        {"commands": {"Deploy": {"description": "d", "prompt": "p"}}},
        {"commands": {"deploy": {"description": "d"}}},
        {"commands": {"deploy": {"description": "d", "prompt": "p", "permission": "read"}}},
        {"commands": {"deploy": {"description": "d", "prompt": "p", "runner": "fly"}}},
        {"commands": []},
        {"labels": {"x" * (LONGEST_LABEL + 1): "fix"}},
        {"labels": {"x": "FIX"}},
        {"labels": ["fix"]},
    ],
)
def test_the_schema_refuses_what_the_code_refuses(document: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())
    assert problems(yaml.safe_dump(document))


def test_what_a_command_says_counts_within_what_the_file_allows() -> None:
    deploy = CONFIG.of_command("deploy")
    assert (deploy.agent, deploy.model, deploy.time_limit, deploy.max_cost) == (
        *("codex", "gpt"),
        *(60, 5.0),
    )
    assert CONFIG.of_command("fix") is CONFIG
    longer = RepoConfig(commands={"deploy": DEPLOY}).of_command("deploy")
    assert (longer.time_limit, longer.max_cost) == (60, None)


# --- in a comment ---------------------------------------------------------------------------------


def found(text: str) -> list[tuple[int, str]]:
    return [(one.position, one.name) for one in parse(text, APP, KINDS) if isinstance(one, Command)]


def test_own_names_are_commands_among_others() -> None:
    text = "/deploy now\n/Explain\n\n/lgtm\n/fix it\n@bellhop-test deploy\n/bellhop: /explain me"
    assert found(text) == [
        *[(0, "deploy"), (1, "explain"), (4, "fix")],
        *[(5, "deploy"), (6, "explain")],
    ]
    assert [one.text for one in parse(text, APP, KINDS) if isinstance(one, Command)][:2] == [
        *["now", "/lgtm"],
    ]
    assert [one.name for one in parse("/deploy\n/fix", APP)] == ["fix"]


def test_only_names_that_some_repository_has_are_candidates() -> None:
    text = "/deploy\n/lgtm\n/fix\n/usr/bin is full\n/" + "x" * 40 + "\n@bellhop-test lgtm"
    assert candidates(text, APP) == (2, 5)
    assert candidates(text, APP, {"deploy"}) == (0, 2, 5)


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        *[("/fix it", False), ("/bellhop fix", False), ("@bellhop-test", False), ("", False)],
        *[("/deploy", True), ("/bellhop what", True), ("/fix\n@bellhop-test: deploy", True)],
        *[("/lgtm", False), ("@bellhop-test, /Fix: it", False)],
    ],
)
def test_the_file_is_read_first_only_for_what_is_not_everybodys(text: str, *, needed: bool) -> None:
    assert may_name_own(text, APP, {"deploy"}) is needed


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("/deploy fix\n@bellhop-test:`>")))
def test_whatever_is_found_was_a_candidate_and_needed_the_file(text: str) -> None:
    for one in parse(text, APP, KINDS):
        assert one.position in candidates(text, APP, KINDS)
        if one.name not in COMMANDS:
            assert may_name_own(text, APP, KINDS)


# --- decided --------------------------------------------------------------------------------------


def own(text: str, **changes: Any) -> Decision:
    (command, *_) = parse(text, APP, KINDS)
    facts: dict[str, Any] = {"role": Role.MAINTAIN, "config": CONFIG, "default_branch": "main"}
    fields = Circumstances.__dataclass_fields__
    there = Circumstances(**{**facts, **{k: v for k, v in changes.items() if k in fields}})
    seen = {k: v for k, v in changes.items() if k in {"rules", "issue_tasks", "refused"}}
    rest = {k: v for k, v in changes.items() if k not in fields and k not in seen}
    event = command_given(command, there, **rest)
    return decide(view(**{"rules": WIDE, **seen}), event, NOON)


def test_a_task_of_an_own_command_has_its_prompt_and_its_limits() -> None:
    decision = own("/deploy to *staging*")
    wish = now_task(decision).wish
    assert (wish.command, wish.prompt) == ("deploy", "Deploy it.\n\nto *staging*")
    assert (wish.agent, wish.time_limit, wish.max_cost) == ("codex", 60, 5.0)
    assert (wish.role, wish.result) == (Role.MAINTAIN, "pull_request")
    assert now_task(decision).branches.name is not None
    assert now_task(own("/deploy --agent command --time 5m")).wish.prompt == "Deploy it."
    assert now_task(own("/deploy --agent command --time 5m")).wish.agent == "command"


def test_one_that_answers_pushes_nothing_wherever_it_is() -> None:
    assert now_task(own("/explain")).branches == Branches("main", "main")
    task = now_task(own("/explain", where=ON_PULL, pull=PULL, role=Role.TRIAGE))
    assert (task.branches, task.wish.answers) == (Branches("oil", "main", trusted="main"), True)
    closed = own("/deploy", where=ON_PULL, pull=replace(PULL, open=False))
    assert body_of(closed).startswith("This pull request is closed.")


def test_an_agent_that_is_not_offered_is_a_mistake_of_the_file() -> None:
    decision = own("/deploy", rules=RULES)
    assert now_task(decision).error is not None
    assert now_task(decision).error.code is ErrorCode.BAD_CONFIG  # type: ignore[union-attr]
    assert body_of(decision) == "This Bellhop has no agent `codex`. It has: `command`."
    assert (now_task(decision).wish.role, now_task(decision).wish.result) == (
        *(Role.MAINTAIN, "pull_request"),
    )


def test_the_permission_of_the_command_is_needed() -> None:
    decision = own("/deploy", role=Role.WRITE)
    assert (decision.refusal, now_task(decision).status) == (
        *("not_permitted:deploy", Status.REJECTED),
    )
    assert own("/explain", role=Role.READ).task is None
    (bad, *_) = parse("/deploy --agnt x", APP, KINDS)
    there = Circumstances(Role.WRITE, CONFIG, "main")
    told = decide(view(), command_given(bad, there), NOON)
    assert told.refusal == "not_permitted:deploy", "what is right is told to those who may"


def test_more_of_a_task_needs_what_the_file_says_today_or_said_then() -> None:
    wish = now_task(own("/deploy")).wish
    done = task_in(Status.COMPLETED, wish=wish)
    there = {"issue_tasks": (done,), "role": Role.WRITE}
    assert own("/retry", **there).refusal == "not_permitted:deploy"
    assert own("/tell more", **there).refusal == "not_permitted:deploy"
    eased = OwnCommand("deploy", "d", "p", Role.WRITE)
    assert own("/retry", **there, config=RepoConfig(commands={"deploy": eased})).task is not None
    assert own("/retry", **there, config=RepoConfig()).refusal == "not_permitted:deploy"
    again = now_task(own("/retry", issue_tasks=(done,)))
    assert (again.attempt, again.wish.prompt, again.wish.time_limit) == (2, "Deploy it.", 60)


@pytest.mark.parametrize("text", ["/deploy", "/bellhop deploy", "/bellhop unheard-of"])
def test_where_the_file_cannot_be_read_nobody_guesses(text: str) -> None:
    (command, *_) = parse(text, APP, {"deploy": plain_kind("deploy")})
    writer = Circumstances(Role.TRIAGE, BROKEN, "main")
    assert "bellhop.yml" in body_of(decide(view(), command_given(command, writer), NOON))
    stranger = Circumstances(Role.NONE, BROKEN, "main")
    assert decide(view(), command_given(command, stranger), NOON) == NOTHING
    assert decide(view(), said("/fix", role=Role.WRITE), NOON).task is not None


def test_a_program_names_a_command_of_work() -> None:
    def ask(name: str, there: Circumstances) -> Decision:
        command = Command(name, "it", Options(), None, 0, addressed=True)
        api = Origin("api", 0, 0, "")
        return decide(view(rules=WIDE), WorkRequested(ID, command, HERE, ADA, api, there), NOON)

    there = Circumstances(Role.WRITE, CONFIG, "main")
    assert now_task(ask("explain", there)).wish.prompt == "Explain it.\n\nit"
    told = [ask(name, there).declined for name in ("deploy", "unheard-of", "stop")]
    told.append(ask("explain", Circumstances(Role.WRITE, BROKEN, "main")).declined)
    assert [(one.kind, one.field) for one in told if one] == [
        ("forbidden", None),
        ("invalid", "command"),
        ("invalid", "command"),
        ("conflict", None),
    ]
    assert told[1] is not None
    assert told[1].detail == (
        "There is no command `unheard-of` that makes a task. Name `fix`, `ask`, or one of the "
        "`commands` in the repository's `.github/bellhop.yml`."
    )


# --- by a label -----------------------------------------------------------------------------------

LABEL = Origin("label", 2**62, 0, "https://github.test/acme/door/issues/7")


@pytest.mark.parametrize("account", ["User", "Bot"])
def test_a_label_by_a_bot_asks_for_nothing(account: str) -> None:
    labelled = IssueLabeled(
        action="labeled",
        installation_id=10,
        repository=Repository(id=100, full_name="acme/door", private=False, default_branch="main"),
        subject=Subject(id=4, number=7, title="t", state="open", url="u"),
        sender=Actor(id=1, login="ada", type=account),
        label="ring",
        url="u",
        written_at=NOON,
    )
    assert (deaf_to(labelled, 42, APP) is None) is (account == "User")


def test_a_label_asks_as_a_command_does() -> None:
    decision = own("/fix", origin=LABEL)
    assert (now_task(decision).origin, now_task(decision).where) == (LABEL, HERE)
    refused = own("/fix", origin=LABEL, role=Role.TRIAGE)
    assert body_of(refused).startswith("To ada, whose label asks for `/fix`: `/fix` needs the")
    again = own("/fix", origin=LABEL, role=Role.TRIAGE, refused=frozenset({"not_permitted:fix"}))
    assert again == NOTHING


@pytest.mark.parametrize("status", Status)
def test_what_is_under_way_is_not_asked_for_again_by_a_label(status: Status) -> None:
    there = {"origin": LABEL, "issue_tasks": (task_in(status),)}
    ended = status not in {Status.QUEUED, Status.STARTING, Status.RUNNING}
    assert (own("/fix", **there) != NOTHING) is ended
    assert own("/explain", **there) != NOTHING
    assert own("/fix", issue_tasks=(task_in(status),)) != NOTHING


def test_what_strangers_let_wait_for_approval_keeps_no_label_from_asking() -> None:
    (asked,) = parse("/fix it", APP)
    assert isinstance(asked, Command)
    waiting = task_in(awaiting=asked, approval=Approval("a" * 10, BOB, late=False))
    assert now_task(own("/fix", origin=LABEL, issue_tasks=(waiting,))).owner == ADA


def test_an_eased_permission_is_enough_until_the_work_begins() -> None:
    done = task_in(Status.COMPLETED, wish=now_task(own("/deploy")).wish)
    eased = RepoConfig(commands={"deploy": OwnCommand("deploy", "d", "p", Role.WRITE)})
    again = now_task(own("/retry", issue_tasks=(done,), role=Role.WRITE, config=eased))
    assert again.wish.role is Role.WRITE, "the role is asked for again when the worker starts"
    gone = now_task(own("/retry", issue_tasks=(done,), config=RepoConfig()))
    assert gone.wish.role is Role.MAINTAIN


def test_a_command_that_only_answers_by_now_lets_nobody_push_again() -> None:
    done = task_in(Status.COMPLETED, wish=now_task(own("/deploy")).wish)
    answers = OwnCommand("deploy", "d", "p", Role.TRIAGE, "answer")
    there = {"issue_tasks": (done,), "config": RepoConfig(commands={"deploy": answers})}
    assert own("/retry", role=Role.TRIAGE, **there).refusal == "not_permitted:deploy"
    assert now_task(own("/retry", **there)).wish.role is Role.MAINTAIN
