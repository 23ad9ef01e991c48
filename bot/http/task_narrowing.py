"""From what a list is asked for to what is looked for in the database, and what may be seen."""

from __future__ import annotations

from dataclasses import dataclass

from bot.http.caller import Caller
from bot.http.problems import Problem
from bot.http.task_queries import Asked
from bot.http.task_sight import TaskSight
from handlers.search import ANYONE, ME
from storage.lists import Query, Scope

MOST_PLACES = 100
"""Repositories of other people's tasks that GitHub is asked about for one list."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What is looked for, and what the caller may see."""

    scope: Scope
    query: Query


async def narrow(sight: TaskSight, caller: Caller, asked: Asked) -> Narrowed | None:
    """Put everything together that narrows a list; None: nothing can be in it.

    Raises:
        Problem: 422, in too many repositories; 503, GitHub does not say what the caller may see.
    """
    search = asked.search
    names = {name.lower() for name in (asked.repository, search.repository) if name}
    both = asked.statuses and search.statuses
    statuses = asked.statuses & search.statuses if both else asked.statuses | search.statuses
    if len(names) > 1 or (both and not statuses):
        return None
    owner = await _owner(sight, caller, search.owner)
    if owner is None and search.owner != ANYONE:
        return None
    places = await sight.store.lists.places(owner, next(iter(names), None))
    if not places:
        return None
    if owner != caller.person.id and not caller.operator and len(places) > MOST_PLACES:
        raise Problem(
            422,
            f"That would be looked for in more than {MOST_PLACES} repositories, and GitHub asked "
            "about each. Name one with `repo:owner/name`.",
            code="too_broad",
        )
    mine = (
        places
        if owner == caller.person.id
        else await sight.store.lists.places(caller.person.id, next(iter(names), None))
    )
    known = {place.repository_id for place in mine}
    scope = await sight.roles.scope(caller, places, known)
    query = Query(
        owner_id=owner,
        repository_id=places[-1].repository_id if names else None,
        statuses=statuses,
        agent=search.agent,
        words=search.words,
    )
    return Narrowed(scope, query)


async def _owner(sight: TaskSight, caller: Caller, owner: str | None) -> int | None:
    """The id of whose tasks are looked for; None for everybody's, and for nobody's."""
    if owner is None or owner == ME:
        return caller.person.id
    return None if owner == ANYONE else await sight.store.lists.owner_called(owner)
