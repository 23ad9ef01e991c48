"""Apps that ask for something: heard only where a repository's `allow_apps` names them.

An App is known by its account, whose name nobody else can have: people's logins hold no brackets.
What an App writes in a person's name is neither its own word nor the person's.
"""

from __future__ import annotations

from handlers.commands import Role
from handlers.deliveries import Asking, TextWritten
from handlers.repo_config import ConfigProblem, RepoConfig
from handlers.values import app_slug

MOST_A_DAY = 5
"""How many commands of Apps count on an issue within a day: two that answer each other end."""


def app_of(text: Asking) -> str | None:
    """The slug of the App that wrote a text as itself; None where a person did, or who knows.

    Labels are people's: nothing tells which App put one on.
    """
    if not isinstance(text, TextWritten):
        return None
    author = text.author
    slug = app_slug(author.login) if author.is_bot else None
    if slug is None or text.sender.id != author.id:
        return None
    return slug if text.app_slug in {None, slug} else None


def role_of_app(config: RepoConfig | tuple[ConfigProblem, ...], slug: str, command: str) -> Role:
    """What an App may do with a command: its place on the list is all the permission it has.

    It is as much as the commands need that it may give. Nobody is told that a list cannot be read:
    only a person can mend it.
    """
    if not isinstance(config, RepoConfig):
        return Role.NONE
    names = config.allow_apps.get(slug.lower(), frozenset())
    if command not in names:
        return Role.NONE
    kinds = (config.kind_of(name) for name in names)
    return max(kind.role for kind in kinds if kind)


def role_at_work(config: RepoConfig | tuple[ConfigProblem, ...], slug: str, command: str) -> Role:
    """What an App may still do when the work that it asked for begins.

    It gave the command itself, or told more to a task of that command, which is a place of its own
    on the list.
    """
    return max(role_of_app(config, slug, name) for name in (command, "tell"))
