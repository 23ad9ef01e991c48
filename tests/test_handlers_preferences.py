"""What applies to an attempt, out of task, repository, installation, person and server."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from inline_snapshot import snapshot

from handlers import decide
from handlers.admission import Refusal
from handlers.circumstances import Circumstances
from handlers.commands import COMMANDS, Command, Role
from handlers.decision import CHOICES, Choice, Defaults, Kept, Rules
from handlers.events import FollowUpDue, MessageSent, RetryRequested
from handlers.options import Options
from handlers.preferences import Keeper, keepers, longest, not_offered, wish_again, wish_of
from handlers.repo_config import RepoConfig
from handlers.task import Status, Task, Wish
from handlers.values import ErrorCode, FollowUp
from tests.makers import ADA, APP, BOB, ID, NOON, RULES, given, task_in, view

WIDE = Rules(
    APP,
    agents=("command", "codex", "aider"),
    runners=("process", "fly", "container"),
    images=("one:1", "two:2", "three:3"),
    time_limit=3600,
    max_cost=50.0,
)
FULL = RepoConfig(
    agent="codex",
    model="openai/gpt-5",
    runner="fly",
    image="two:2",
    concurrency=2,
    request_review=False,
)


def command(**options: Any) -> Command:
    return Command("fix", "it", Options(**options), None, 0, addressed=False)


def wish(
    options: dict[str, Any] | None = None,
    config: RepoConfig | None = None,
    kept: Kept | None = None,
    rules: Rules = WIDE,
) -> Wish:
    made = wish_of(
        command(**options or {}), COMMANDS["fix"], config or RepoConfig(), kept or Kept(), rules
    )
    assert isinstance(made, Wish)
    return made


def test_where_nobody_says_anything_the_server_does() -> None:
    assert wish(rules=RULES) == Wish("fix", "it", "command", "process", 1800)
    assert wish() == Wish("fix", "it", "command", "process", 3600, image="one:1", max_cost=50.0)


def test_the_file_says_all_that_it_may() -> None:
    assert wish(config=FULL) == Wish(
        "fix",
        "it",
        "codex",
        "fly",
        3600,
        "openai/gpt-5",
        "two:2",
        max_cost=50.0,
        concurrency=2,
        request_review=False,
        repository_time_limit=FULL.time_limit,
    )


SPECIFIC: dict[str, tuple[tuple[str | None, ...], str | None]] = {
    # what the comment, the file, the installation and the person say; and which of them counts
    "all": (("aider", "codex", "command", "command"), "aider"),
    "all but the comment": ((None, "aider", "codex", "command"), "aider"),
    "installation and person": ((None, None, "aider", "codex"), "aider"),
    "the person alone": ((None, None, None, "aider"), "aider"),
    "nobody": ((None, None, None, None), "command"),
    "the comment alone": (("aider", None, None, None), "aider"),
    "the comment and the person": (("codex", None, None, "aider"), "codex"),
    "an installation with what is not offered": ((None, None, "gone", "aider"), "aider"),
    "a person with what is not offered": ((None, None, None, "gone"), "command"),
    "neither is offered": ((None, None, "gone", "gone"), "command"),
    "the file, though the installation's is gone": ((None, "aider", "gone", None), "aider"),
}


@pytest.mark.parametrize("name", SPECIFIC)
def test_the_most_specific_place_wins(name: str) -> None:
    (asked, config, installation, person), agent = SPECIFIC[name]
    kept = Kept(Defaults(agent=installation), Defaults(agent=person))
    assert wish({"agent": asked}, RepoConfig(agent=config), kept).agent == agent


@pytest.mark.parametrize("what", ["runner", "image"])
@pytest.mark.parametrize(
    ("places", "chosen"),
    [((1, 2, 0), 1), ((None, 1, 2), 1), ((None, None, 2), 2), ((None, None, None), 0)],
)
def test_runner_and_image_are_chosen_alike(
    what: Choice, places: tuple[int | None, ...], chosen: int
) -> None:
    offered = WIDE.offered(what)
    file, installation, person = (None if one is None else offered[one] for one in places)
    kept = Kept(Defaults(**{what: installation}), Defaults(**{what: person}))
    assert getattr(wish(config=RepoConfig(**{what: file}), kept=kept), what) == offered[chosen]


@pytest.mark.parametrize(
    ("places", "model"),
    [
        (("a", "b", "c", "d"), "a"),
        ((None, "b", "c", "d"), "b"),
        ((None, None, "c", "d"), "c"),
        ((None, None, None, "d"), "d"),
        ((None, None, None, None), None),
    ],
)
def test_a_model_is_chosen_alike_and_may_be_any(
    places: tuple[str | None, ...], model: str | None
) -> None:
    kept = Kept(Defaults(model=places[2]), Defaults(model=places[3]))
    assert wish({"model": places[0]}, RepoConfig(model=places[1]), kept).model == model


def test_without_images_the_runner_has_its_own() -> None:
    assert wish(kept=Kept(Defaults(image="one:1")), rules=RULES).image is None


@pytest.mark.parametrize(
    ("options", "config", "code", "field"),
    [
        ({"agent": "gone"}, FULL, ErrorCode.BAD_COMMAND, "agent"),
        ({}, RepoConfig(agent="gone"), ErrorCode.BAD_CONFIG, None),
        ({}, RepoConfig(runner="gone"), ErrorCode.BAD_CONFIG, None),
        ({}, RepoConfig(image="gone"), ErrorCode.BAD_CONFIG, None),
    ],
)
def test_who_demands_what_is_not_offered_is_told(
    options: dict[str, Any], config: RepoConfig, code: ErrorCode, field: str | None
) -> None:
    kept = Kept(Defaults(agent="aider"), Defaults(agent="aider"))
    refusal = wish_of(command(**options), COMMANDS["fix"], config, kept, WIDE)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == (code, field)
    assert "`gone`" in refusal.reply


def test_an_option_that_is_offered_outweighs_a_setting_that_is_not() -> None:
    assert wish({"agent": "command"}, RepoConfig(agent="gone"), rules=RULES).agent == "command"


SECONDS = st.none() | st.integers(60, 86_400)
DOLLARS = st.none() | st.floats(0.01, 1000)
COUNTS = st.none() | st.integers(1, 100)


@for_all(
    st.tuples(SECONDS, SECONDS, SECONDS, SECONDS),
    st.tuples(DOLLARS, DOLLARS, DOLLARS, DOLLARS, DOLLARS),
    st.tuples(COUNTS, COUNTS, COUNTS),
    st.integers(60, 86_400),
)
def test_limits_combine_by_the_minimum_whoever_says_them(
    times: tuple[int | None, ...],
    costs: tuple[float | None, ...],
    counts: tuple[int | None, ...],
    most: int,
) -> None:
    made = wish(
        {"time_limit": times[0], "max_cost": costs[0]},
        RepoConfig(time_limit=times[1], max_cost=costs[1], concurrency=counts[0]),
        Kept(
            Defaults(time_limit=times[2], max_cost=costs[2], concurrency=counts[1]),
            Defaults(time_limit=times[3], max_cost=costs[3], concurrency=counts[2]),
        ),
        replace(WIDE, time_limit=most, max_cost=costs[4]),
    )
    assert made.time_limit == min([most, *(one for one in times if one is not None)])
    assert made.max_cost == min((one for one in costs if one is not None), default=None)
    assert made.concurrency == min((one for one in counts if one is not None), default=None)


LIMITS = st.builds(Defaults, time_limit=SECONDS, max_cost=DOLLARS, concurrency=COUNTS)


@for_all(LIMITS, LIMITS)
def test_no_place_can_widen_what_another_allows(strict: Defaults, other: Defaults) -> None:
    alone, both = wish(kept=Kept(strict)), wish(kept=Kept(strict, other))
    assert both == wish(kept=Kept(other, strict))
    assert wish_again(alone, Kept(person=other), WIDE) == both
    assert both.time_limit <= alone.time_limit
    assert (both.max_cost or 0) <= (alone.max_cost or 0)
    assert alone.concurrency is None or (both.concurrency or 0) <= alone.concurrency


ASKED = Wish("fix", "it", "codex", "fly", 3600, "opus", "two:2", 20.0, 5)


def test_what_was_chosen_once_stays_chosen() -> None:
    kept = Kept(Defaults("aider", "gpt-5", "process", "one:1"), Defaults("command", "gpt-5"))
    assert wish_again(ASKED, kept, WIDE) == ASKED


FILES = st.builds(RepoConfig, time_limit=SECONDS, max_cost=DOLLARS, concurrency=COUNTS)


@for_all(FILES, FILES)
def test_another_attempt_keeps_to_the_file_of_today(then: RepoConfig, today: RepoConfig) -> None:
    """Where a repository allows less by now, that counts; where it allows more, what was asked."""
    made, now = wish(config=then), wish(config=today)
    again = wish_again(made, Kept(), WIDE, today)
    assert isinstance(again, Wish)
    assert again.time_limit == min(made.time_limit, now.time_limit)
    assert again.max_cost == min(made.max_cost or 0, now.max_cost or 0)
    counts = [one for one in (made.concurrency, now.concurrency) if one is not None]
    assert again.concurrency == min(counts, default=None)
    assert again.repository_time_limit == today.time_limit


@for_all(st.tuples(SECONDS, SECONDS, SECONDS), st.integers(60, 86_400))
def test_more_time_is_within_what_everybody_allows(
    times: tuple[int | None, int | None, int | None], most: int
) -> None:
    kept = Kept(Defaults(time_limit=times[0]), Defaults(time_limit=times[1]))
    short = wish({"time_limit": 60}, RepoConfig(time_limit=times[2]))
    seconds, _ = longest(short, kept, replace(WIDE, time_limit=most))
    assert seconds == min([most, *(one for one in times if one is not None)])


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        (replace(ASKED, agent="gone"), "agent"),
        (replace(ASKED, runner="gone"), "runner"),
        (replace(ASKED, image="gone"), "image"),
    ],
)
def test_what_is_offered_no_more_is_not_tried_again(wanted: Wish, what: str) -> None:
    refusal = wish_again(wanted, Kept(), WIDE)
    assert isinstance(refusal, Refusal)
    assert refusal.code is ErrorCode.BAD_COMMAND
    assert refusal.reply.startswith(f"This Bellhop has no {what} `gone`.")


def test_a_runner_with_its_own_image_stays_without() -> None:
    assert wish_again(replace(ASKED, image=None), Kept(), WIDE) == replace(ASKED, image=None)


@pytest.mark.parametrize(
    ("provider", "own", "shared", "whose"),
    [
        (None, (), (), {}),
        (None, ("openai",), (), {"openai": Keeper.REQUESTER}),
        (None, (), ("openai",), {"openai": Keeper.INSTALLATION}),
        (None, ("openai",), ("openai",), {"openai": Keeper.REQUESTER}),
        (
            None,
            ("xai",),
            ("openai", "groq"),
            {
                "groq": Keeper.INSTALLATION,
                "openai": Keeper.INSTALLATION,
                "xai": Keeper.REQUESTER,
            },
        ),
        ("openai", ("xai",), ("openai", "groq"), {"openai": Keeper.INSTALLATION}),
        ("openai", ("openai", "xai"), ("openai",), {"openai": Keeper.REQUESTER}),
        ("openai", ("xai",), ("groq",), {}),
    ],
)
def test_keys_are_the_requesters_own_or_the_installations(
    provider: str | None,
    own: tuple[str, ...],
    shared: tuple[str, ...],
    whose: dict[str, Keeper],
) -> None:
    assert keepers(provider, own, shared) == whose


def test_defaults_that_are_not_offered_are_told_by_field() -> None:
    assert not_offered(Defaults("codex", "any/model", "fly", "two:2"), WIDE) == {}
    assert not_offered(Defaults(), WIDE) == {}
    assert not_offered(Defaults(agent="gone", image="gone"), WIDE) == snapshot(
        {
            "agent": "This Bellhop has no agent `gone`. It has: `command`, `codex`, `aider`.",
            "image": "This Bellhop has no image `gone`. It has: `one:1`, `two:2`, `three:3`.",
        }
    )


def test_defaults_with_the_same_tag_say_the_same() -> None:
    one = Defaults(agent="codex", time_limit=60)
    others = [replace(one, **{what: None}) for what in ("agent", "time_limit")]
    others += [Defaults(model="codex", time_limit=60), Defaults(agent="codex", max_cost=60)]
    assert Defaults(agent="codex", time_limit=60).tag == one.tag
    assert len({one.tag, *(other.tag for other in others)}) == 1 + len(others)


def test_every_choice_is_a_default_and_is_offered() -> None:
    every = Defaults(*("x" for _ in astuple(Defaults())))
    assert {what: getattr(every, what) for what in CHOICES} == dict.fromkeys(CHOICES, "x")
    assert [WIDE.offered(what)[0] for what in CHOICES] == ["command", "process", "one:1"]


STRICT = Kept(Defaults(time_limit=600), Defaults(time_limit=900, max_cost=2.0))


def test_a_commands_task_heeds_what_is_kept() -> None:
    task = decide(view(kept=STRICT), given("/fix it"), NOON).task
    assert task is not None
    assert (task.wish.time_limit, task.wish.max_cost) == (600, 2.0)


FOUND = Circumstances(Role.WRITE, RepoConfig(), "main")


def ended(*pending: FollowUp) -> Task:
    return task_in(Status.FAILED, pending=pending)


MESSAGE = FollowUp("m1", "and the hinge", BOB)


@pytest.mark.parametrize(
    ("task", "event"),
    [
        (ended(), RetryRequested(ID, ADA, FOUND)),
        (ended(), MessageSent(ID, MESSAGE, FOUND)),
        (ended(MESSAGE), FollowUpDue(ID)),
    ],
)
def test_a_new_attempt_heeds_what_is_kept(task: Task, event: Any) -> None:
    made = decide(view(task=task, kept=STRICT), event, NOON).task
    assert made is not None
    assert made.status is Status.QUEUED
    assert (made.wish.time_limit, made.wish.max_cost) == (600, 2.0)
