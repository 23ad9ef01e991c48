"""What applies to an attempt, out of all the places that may say something about it.

The most specific place that says something wins: what was asked for (a command's options, a
program's request), the repository's file, the installation, the person, the server. Limits
combine by the least of them. Nothing is used that the operator does not offer: who asks for
something else is told so; a default of an installation or a person that is offered no more is
passed over. Keys of providers are the requester's own or the installation's, nobody else's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from handlers import refusals
from handlers.admission import Refusal, refusal_of
from handlers.commands import Command, CommandKind
from handlers.decision import CHOICES, Choice, Defaults, Kept, Rules
from handlers.repo_config import RepoConfig
from handlers.task import Wish
from handlers.values import ErrorCode

Number = TypeVar("Number", int, float)

MOST_COST = 1_000_000.0
"""US dollars of an attempt that anybody may set: a bound, so that it is a number to count with."""


class Keeper(StrEnum):
    """Whose key of a provider an attempt gets."""

    REQUESTER = "requester"
    INSTALLATION = "installation"


def wish_of(
    command: Command, kind: CommandKind, config: RepoConfig, kept: Kept, rules: Rules
) -> Wish | Refusal:
    """What a new task is to do, with what and within which limits; or why that is not offered."""
    own = config.commands.get(command.name)
    config = config.of_command(command.name)
    refusal = _refused(command, config, rules)
    if refusal is not None:
        return refusal
    options = command.options
    wish = Wish(
        command=command.name,
        prompt=own.prompt_with(command.text) if own else command.text,
        agent=_chosen("agent", options.agent or config.agent, kept, rules) or rules.agent,
        runner=_chosen("runner", config.runner, kept, rules) or rules.runner,
        image=_chosen("image", config.image, kept, rules),
        model=options.model or config.model or kept.installation.model or kept.person.model,
        time_limit=_least(options.time_limit, config.time_limit) or rules.time_limit,
        max_cost=_least(options.max_cost, config.max_cost),
        concurrency=config.concurrency,
        request_review=config.request_review,
        ci=config.ci,
        role=kind.role,
        result=kind.result or "answer",
        repository_time_limit=config.time_limit,
    )
    return _limited(wish, kept, rules)


def wish_again(
    wish: Wish, kept: Kept, rules: Rules, config: RepoConfig | None = None
) -> Wish | Refusal:
    """What was asked for once, as far as it is offered now, within today's limits.

    Args:
        wish: What was asked for.
        kept: What is kept of whoever asks for the new attempt.
        rules: What the operator allows.
        config: The repository's file; None where it was looked at a moment ago.
    """
    for what in CHOICES:
        value = getattr(wish, what)
        if value is not None and value not in rules.offered(what):
            return _not_offered(what, value, rules, ErrorCode.BAD_COMMAND)
    return _limited(wish if config is None else _within(wish, config), kept, rules)


def longest(wish: Wish, kept: Kept, rules: Rules) -> tuple[int, str]:
    """The seconds that an attempt may be given in all, and who says so.

    Of what holds from the start only the wish of who asked is no bound: they may wish for more.
    `kept` is what is kept of whoever asked for the attempt, since it is done with their keys.
    """
    said = (
        (rules.time_limit, "The operator"),
        (wish.repository_time_limit, "The repository's `.github/bellhop.yml`"),
        (kept.installation.time_limit, "The installation"),
        (kept.person.time_limit, "Whoever asked for this attempt"),
    )
    return min(((most, who) for most, who in said if most is not None), key=lambda one: one[0])


def keepers(
    provider: str | None, own: Collection[str], shared: Collection[str]
) -> Mapping[str, Keeper]:
    """Whose keys an attempt gets, by provider; what it does not need it does not get.

    Args:
        provider: The only one that is needed, where the model says so; None: any may be.
        own: The providers of which the requester has a key of their own.
        shared: Those of which the installation has one.
    """
    found = dict.fromkeys(sorted(shared), Keeper.INSTALLATION)
    found |= dict.fromkeys(sorted(own), Keeper.REQUESTER)
    if provider is None:
        return found
    return {name: keeper for name, keeper in found.items() if name == provider}


def not_offered(defaults: Defaults, rules: Rules) -> dict[str, str]:
    """What is wrong with defaults that somebody wants to keep: sentences, by field."""
    wanted: dict[Choice, str | None] = {what: getattr(defaults, what) for what in CHOICES}
    return {
        what: refusals.not_offered(what, value, rules.offered(what))
        for what, value in wanted.items()
        if value is not None and value not in rules.offered(what)
    }


def _refused(command: Command, config: RepoConfig, rules: Rules) -> Refusal | None:
    """Why a demand is not met: in the comment or request if it stands there, or in the file."""
    demands: tuple[tuple[Choice, str | None, str | None], ...] = (
        ("agent", command.options.agent, config.agent),
        ("runner", None, config.runner),
        ("image", None, config.image),
    )
    for what, asked, set_there in demands:
        value = asked or set_there
        if value and value not in rules.offered(what):
            code = ErrorCode.BAD_COMMAND if asked else ErrorCode.BAD_CONFIG
            return _not_offered(what, value, rules, code, what if asked else None)
    return None


def _chosen(what: Choice, demanded: str | None, kept: Kept, rules: Rules) -> str | None:
    """The choice of the most specific place; None where there is nothing to choose from."""
    offered = rules.offered(what)
    usual = (demanded, getattr(kept.installation, what), getattr(kept.person, what), *offered)
    return next((name for name in usual if name in offered), None)


def _not_offered(
    what: Choice, value: str, rules: Rules, code: ErrorCode, field: str | None = None
) -> Refusal:
    return refusal_of(code, refusals.not_offered(what, value, rules.offered(what)), field)


def _within(wish: Wish, config: RepoConfig) -> Wish:
    """The wish within what the repository's file allows today."""
    config = config.of_command(wish.command)
    return replace(
        wish,
        time_limit=min(wish.time_limit, config.time_limit or wish.time_limit),
        max_cost=_least(wish.max_cost, config.max_cost),
        concurrency=_least(wish.concurrency, config.concurrency),
        ci=config.ci,
        repository_time_limit=config.time_limit,
    )


def _limited(wish: Wish, kept: Kept, rules: Rules) -> Wish:
    """The wish within what installation, person and server allow."""
    places = (kept.installation, kept.person)
    times = [place.time_limit for place in places if place.time_limit is not None]
    return replace(
        wish,
        time_limit=min(wish.time_limit, rules.time_limit, *times),
        max_cost=_least(wish.max_cost, rules.max_cost, *(place.max_cost for place in places)),
        concurrency=_least(wish.concurrency, *(place.concurrency for place in places)),
    )


def _least(*values: Number | None) -> Number | None:
    return min((value for value in values if value is not None), default=None)
