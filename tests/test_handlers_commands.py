from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from handlers.commands import (
    COMMANDS,
    Command,
    Misuse,
    Options,
    Role,
    candidates,
    options_of_model,
    parse,
    role_of,
)
from handlers.options import is_branch

APP = "acme-bell"
TASK_ID = "0199f0c4-7d3a-7c11-8b1f-0242ac120002"


def read(text: str) -> list[tuple[int, str]]:
    return [(found.position, found.name) for found in parse(text, APP)]


def command(text: str) -> Command:
    (found,) = parse(text, APP)
    assert isinstance(found, Command), found
    return found


def misuse(text: str) -> Misuse:
    (found,) = parse(text, APP)
    assert isinstance(found, Misuse), found
    return found


def test_the_table_of_commands() -> None:
    assert [(kind.name, kind.role.name, kind.text) for kind in COMMANDS.values()] == [
        ("fix", "WRITE", "optional"),
        ("ask", "TRIAGE", "required"),
        ("tell", "WRITE", "required"),
        ("stop", "WRITE", "task"),
        ("retry", "TRIAGE", "task"),
        ("status", "TRIAGE", "none"),
        ("approve", "WRITE", "hash"),
        ("help", "READ", "none"),
    ]
    assert [name for name, kind in COMMANDS.items() if kind.makes_task] == ["fix", "ask"]
    assert [name for name, kind in COMMANDS.items() if kind.takes_options] == ["fix", "ask"]
    assert all(kind.usage.startswith(f"/{name}") for name, kind in COMMANDS.items())


@pytest.mark.parametrize(
    ("role_name", "permissions", "role"),
    [
        ("admin", {}, Role.ADMIN),
        ("maintain", {}, Role.MAINTAIN),
        ("write", {}, Role.WRITE),
        ("triage", {}, Role.TRIAGE),
        ("read", {"admin": True}, Role.READ),
        ("none", {"admin": True}, Role.NONE),
        ("security-team", {"admin": True, "push": True}, Role.ADMIN),
        ("security-team", {"maintain": True, "push": True}, Role.MAINTAIN),
        ("security-team", {"admin": False, "push": True, "pull": True}, Role.WRITE),
        ("security-team", {"triage": True, "pull": True}, Role.TRIAGE),
        ("security-team", {"pull": True}, Role.READ),
        ("security-team", {}, Role.NONE),
        ("", {"push": True}, Role.WRITE),
    ],
)
def test_a_role_is_what_github_says(
    role_name: str, permissions: dict[str, bool], role: Role
) -> None:
    assert role_of(role_name, permissions) is role


def test_roles_are_ordered() -> None:
    assert Role.NONE < Role.READ < Role.TRIAGE < Role.WRITE < Role.MAINTAIN < Role.ADMIN


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/fix", [(0, "fix")]),
        ("/Fix the door", [(0, "fix")]),
        ("   /fix the door", [(0, "fix")]),
        ("/fix\tthe door", [(0, "fix")]),
        ("/fix\u00a0the door", [(0, "fix")]),
        ("Hello,\n/fix the door", [(1, "fix")]),
        ("Hello,\r\n\r\n/fix it\r/ask why", [(2, "fix"), (3, "ask")]),
        ("Hello  \n/fix", [(1, "fix")]),
        ("Hello\\\n/fix", [(1, "fix")]),
        ("/fix\n--\nJane", [(0, "fix")]),
        ("/fix\n===\n", [(0, "fix")]),
        ("- a\n- b\n/fix it", [(2, "fix")]),
        ("- a\n\n  /fix it", [(2, "fix")]),
        ("<details>\n\n/fix\n\n</details>", [(2, "fix")]),
        ("<!-- a -->\n/fix", [(1, "fix")]),
        ("<!-- a -->\n\n/fix", [(2, "fix")]),
        ("a <!-- open\n/fix", [(1, "fix")]),
        ("a `b` and [c](d)\n/fix", [(1, "fix")]),
        ("a <b>\n/fix it</b>", [(1, "fix")]),
        ("a \\`\n/fix `", [(1, "fix")]),
        ("```\ncode\n```\n/fix", [(3, "fix")]),
        ("<code>a</code>\n/fix", [(1, "fix")]),
        ("</a>\n\n/fix", [(2, "fix")]),
        ("x <a href='b'>c</a>\n/fix", [(1, "fix")]),
        # Not the first thing on a line, or another word.
        ("please /fix it", []),
        ("/fixes", []),
        ("/fix-this", []),
        ("/fix/", []),
        ("/etc/passwd", []),
        ("/deploy production", []),
        ("/ fix", []),
        ("\u200b/fix", []),
        ("/a\u017fk why", []),
        ("# /fix", []),
        ("- /fix", []),
        ("1. /fix", []),
        ("- [ ] /fix", []),
        ("acme-bell fix", []),
        ("@acme-bell-2 fix", []),
        ("@acme-bell/team fix", []),
        ("@acme-bell's fix", []),
        ("/bellhops fix", []),
        # Code, quotations, comments, links, tables.
        ("    /fix", []),
        ("\t/fix", []),
        ("```\n/fix\n```", []),
        ("~~~ sh\n/fix\n", []),
        ("- a\n  ```\n  /fix\n  ```", []),
        ("a `b\n/fix c` d", []),
        ("> /fix", []),
        ("> a\n/fix", []),
        ("- > a\n  > /fix", []),
        ("<!--\n/fix\n-->", []),
        ("a <!--\n/fix\n--> b", []),
        ("<div>\n/fix\n</div>", []),
        ("<div><!--\n\n/fix\n\n-->", []),
        ("<blockquote>\n\n/fix\n\n</blockquote>", []),
        ("a <code>b\n/fix</code>", []),
        ("a <a href='b'>\n/fix</a>", []),
        ("<pre>\n/fix\n</pre>", []),
        ("[a\n/fix b](https://example.com)", []),
        ("[a]: https://example.com\n'\n/fix\n'", []),
        ("a|b\n-|-\n/fix|c", []),
    ],
)
def test_what_counts_as_a_command(text: str, found: list[tuple[int, str]]) -> None:
    assert read(text) == found
    assert {position for position, _ in found} <= set(candidates(text, APP))


@pytest.mark.parametrize(
    "start",
    [
        "/fix", "/bellhop fix", "/Bellhop fix", "/bellhop /fix", "@acme-bell fix", "@Acme-Bell fix",
        "@acme-bell: fix", "@acme-bell, fix", "@acme-bell[bot] fix", "@acme-bell  Fix:",
    ],
)  # fmt: skip
def test_all_forms_mean_the_same(start: str) -> None:
    found = command(f"{start} --time 2h the door\n\nnow")
    assert (found.name, found.text) == ("fix", "the door\n\nnow")
    assert found.options == Options(time_limit=7200)
    assert found.addressed is (start != "/fix")


def test_without_the_apps_name_the_other_forms_count() -> None:
    text = "/fix a\n@acme-bell fix b\n/bellhop fix c\n@ fix"
    assert [found.position for found in parse(text, "")] == [0, 2]


@pytest.mark.parametrize("text", ["@acme-bell", "@acme-bell:\nthanks", "/bellhop", "/bellhop help"])
def test_only_calling_the_app_asks_for_help(text: str) -> None:
    assert command(text) == Command("help", "", Options(), None, 0, addressed=True)


def test_a_text_runs_to_the_next_command_with_its_markdown() -> None:
    text = """\
Look:
/fix

    first()

- **one**
> /ask quoted

```
/fix in code
```
@acme-bell nonsense here
/ask why?
"""
    found = parse(text, APP)
    assert [(one.position, one.name) for one in found] == [
        (1, "fix"),
        (11, "nonsense"),
        (12, "ask"),
    ]
    first, _, last = found
    assert isinstance(first, Command)
    assert first.text == "    first()\n\n- **one**\n> /ask quoted\n\n```\n/fix in code\n```"
    assert isinstance(last, Command)
    assert last.text == "why?"


def test_options_stand_before_the_text() -> None:
    line = "--agent codex --model=openai/gpt-5/high --base release-2 --time 20m --MAX-COST $2.5 go"
    found = command(f"/fix {line}")
    assert found.options == Options("codex", "openai/gpt-5/high", "release-2", 1200, 2.5)
    assert found.text == "go"


@pytest.mark.parametrize(
    ("line", "options", "text"),
    [
        ("\u2014agent codex go", Options(agent="codex"), "go"),
        ("\u2013time 20m go", Options(time_limit=1200), "go"),
        ("--time 1h30M", Options(time_limit=5400), ""),
        ("--time=60s", Options(time_limit=60), ""),
        ("--time 1d", Options(time_limit=86_400), ""),
        ("--max-cost 5", Options(max_cost=5.0), ""),
        ("-- --agent codex", Options(), "--agent codex"),
        ("--agent codex -- -x", Options(agent="codex"), "-x"),
        ("\u2014 a dash", Options(), "\u2014 a dash"),
        ("- a list", Options(), "- a list"),
        ("--agent codex\n--model is next", Options(agent="codex"), "--model is next"),
    ],
)
def test_options_in_all_their_forms(line: str, options: Options, text: str) -> None:
    found = command(f"/fix {line}")
    assert (found.options, found.text) == (options, text)


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("--agnt codex", "Did you mean `--agent`?"),
        ("--quickly", "I know no option `--quickly`. The options are `--agent`, `--model`"),
        ("---", "I know no option `---`."),
        ("--agent", "`--agent` needs a value: the name of an agent"),
        ("--agent=", "`--agent` needs a value"),
        ("--agent --model x", "`--agent` needs a value"),
        ("--agent -- x", "`--agent`"),
        ("--agent a --agent b", "`--agent` is given twice"),
        ("--agent a/b", "`a/b` cannot be used for `--agent`"),
        ("--model /x", "`/x` cannot be used for `--model`"),
        ("--model x/", "`x/` cannot be used for `--model`"),
        ("--model x/--help", "`x/--help` cannot be used for `--model`"),
        ("--model `x`", "`` `x` `` cannot be used for `--model`"),
        ("--base a..b", "`a..b` cannot be used for `--base`"),
        ("--time 59s", "`59s` cannot be used for `--time`: it takes from `60s` to `1d`"),
        ("--time 2d", "`2d` cannot be used for `--time`"),
        (
            "--time 20",
            "`20` cannot be used for `--time`: it takes from `60s` to `1d` with the unit",
        ),
        ("--time 0", "`0` cannot be used for `--time`"),
        ("--time soon", "`soon` cannot be used for `--time`"),
        ("--time ٢٠", "cannot be used for `--time`"),
        ("--max-cost 0", "`0` cannot be used for `--max-cost`"),
        ("--max-cost nan", "`nan` cannot be used for `--max-cost`"),
        ("--max-cost -5", "`-5` cannot be used for `--max-cost`"),
        (f"--max-cost {'9' * 400}", "cannot be used for `--max-cost`"),
    ],
)
def test_a_bad_option_is_answered_with_what_is_right(line: str, reply: str) -> None:
    found = misuse(f"/ask {line} what?" if line.endswith(("x", "y")) else f"/ask {line}")
    assert (found.name, found.addressed) == ("ask", False)
    assert reply in found.reply


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("main", True), ("release-2", True), ("feature/a.b", True), ("ünï", True),
        ("a" * 200, True),
        ("", False), ("@", False), ("-a", False), ("/a", False), ("a/", False), ("a//b", False),
        ("a..b", False), (".a", False), ("a/.b", False), ("a.", False), ("a.lock", False),
        ("a.lock/b", False), ("a b", False), ("a~1", False), ("a^", False), ("a:b", False),
        ("a?", False), ("a*", False), ("a[", False), ("a\\b", False), ("a@{1}", False),
        ("a\x7f", False), ("a" * 201, False),
    ],
)  # fmt: skip
def test_a_branch_is_what_git_takes_for_one(name: str, right: bool) -> None:
    assert is_branch(name) is right


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("/stop", None),
        ("/stop\n\n", None),
        ("/retry brave-otter-4f2", "brave-otter-4f2"),
        ("/retry `Brave-Otter-4F2`", "brave-otter-4f2"),
        (f"/stop {TASK_ID}", TASK_ID),
        (f"/bellhop stop {TASK_ID.upper()}", TASK_ID),
    ],
)
def test_a_task_is_a_name_or_an_id(text: str, task: str | None) -> None:
    found = command(text)
    assert (found.task, found.text, found.options) == (task, "", Options())


@pytest.mark.parametrize(
    "text",
    ["/stop it", "/retry --agent codex", "/stop brave-otter-4f2 now", "/retry\nbut with codex"],
)
def test_a_task_and_nothing_else(text: str) -> None:
    assert "takes the name or the id of a task" in misuse(text).reply


@pytest.mark.parametrize("text", ["/status please", "/help --me", "/HELP\nnow"])
def test_some_commands_ignore_what_follows(text: str) -> None:
    assert command(text).text == ""


@pytest.mark.parametrize("text", ["/ask", "/ask \n\n ", "/ask --agent codex"])
def test_a_question_needs_a_text(text: str) -> None:
    assert misuse(text).reply == snapshot("`/ask` needs a text: `/ask question`.")


def test_an_unknown_name_is_answered_where_the_app_was_called() -> None:
    found = misuse("@acme-bell fxi it")
    assert (found.name, found.addressed, found.position) == ("fxi", True, 0)
    assert re.split(r"(?<=[.;?]) ", found.reply) == snapshot(
        [
            "I know no command `fxi`.",
            "Did you mean `/fix`?",
            (
                "The commands are `/fix`, `/ask`, `/tell`, `/stop`, `/retry`, `/status`, "
                "`/approve`, `/help`;"
            ),
            "`/bellhop help` says what they do.",
        ]
    )
    assert "Did you mean" not in misuse("/bellhop good").reply
    assert "`thanks!`" in misuse("@acme-bell thanks!").reply
    assert len(misuse(f"@acme-bell {'x' * 60_000}").reply) < 500


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        ("gpt-5", (None, "gpt-5")),
        ("openai/gpt-5", ("openai", "gpt-5")),
        ("openrouter/openai/gpt-5", ("openrouter", "openai/gpt-5")),
    ],
)
def test_a_model_is_cut_at_the_first_slash(model: str, parts: tuple[str | None, str]) -> None:
    assert options_of_model(model) == parts


PIECES = [
    "/fix", "/ask", "/stop", "/help", "@acme-bell", "/bellhop", " ", "\n", "\r\n", "\r", "\n\n",
    "    ", "> ", "- ", "```", "~~~", "`", "<!--", "-->", "[", "](a)", "<div>", "</div>", "<code>",
    "|", "|-|", "---", "\\", "--agent x", "--", "\x0b", "\u2028", "\x85", "a", "\t", "<a b='",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=20).map("".join))
@example("a\x0b/fix\n/fix")
@example("x [a](b '\n/fix\n')\n/fix")
def test_what_is_found_stands_where_it_is_said_to_and_is_a_candidate(text: str) -> None:
    found = parse(text, APP)
    positions = [one.position for one in found]
    assert positions == sorted(set(positions))
    assert set(positions) <= set(candidates(text, APP))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for one in found:
        start = lines[one.position].lstrip(" ").lower()
        assert start.startswith(
            ("/bellhop", "@acme-bell") if one.addressed else f"/{one.name}".lower()
        )


@given(st.text())
def test_no_text_whatever_breaks_it(text: str) -> None:
    parse(text, APP)
    parse(f"/fix {text}", APP)
    parse(f"/bellhop {text}", APP)
