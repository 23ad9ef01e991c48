"""`allow_apps` of `.github/bellhop.yml`: which Apps may give which commands."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from handlers.config_keys import ConfigProblem
from handlers.options import nearest
from handlers.strict_yaml import Entry, Items
from handlers.text import code

AppList = Mapping[str, frozenset[str]]
"""Names of commands by the slugs of the Apps that may give them, in small letters."""

MOST_APPS: Final = 20
_SLUG: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?"
_NEVER: Final = frozenset({"approve"})
"""What only a person can do."""


def app_list_schema() -> dict[str, Any]:
    """The JSON Schema of `allow_apps`; only the bot knows the commands."""
    return {
        "type": "object",
        "maxProperties": MOST_APPS,
        "propertyNames": {"pattern": f"^{_SLUG}$"},
        "additionalProperties": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "not": {"enum": sorted(_NEVER)}},
        },
        "description": "Apps that may give commands, by their slugs, and which: "
        "five of their commands count on an issue in a day.",
    }


def read_app_list(
    entry: Entry, known: Collection[str]
) -> tuple[AppList, tuple[ConfigProblem, ...]]:
    """Read `allow_apps`, with all that is wrong in it; `known` are the names of all commands."""
    if not isinstance(entry.value, tuple):
        message = "`allow_apps` must be a list of `app: [command]`, for example `renovate: [fix]`."
        return {}, (ConfigProblem(entry.line, entry.key, message),)
    found: dict[str, frozenset[str]] = {}
    problems: list[ConfigProblem] = []
    for one in entry.value:
        at, slug = f"{entry.key}.{one.key}", one.key.lower()
        if message := _misnamed(one.key, found):
            problems.append(ConfigProblem(one.line, at, message))
        names = one.value.items if isinstance(one.value, Items) else ()
        problems.extend(ConfigProblem(line, at, message) for line, message in _wrong(one, known))
        found[slug] = frozenset(name.text for _, name in names if name)
    if len(found) > MOST_APPS:
        message = f"There are more than {MOST_APPS} Apps; keep those that are used."
        problems.append(ConfigProblem(entry.line, entry.key, message))
    return found, tuple(problems)


def _misnamed(name: str, found: AppList) -> str:
    if name.lower() in found:
        return f"The App {code(name)} stands here for the second time; keep one of them."
    if re.fullmatch(_SLUG, name) is None:
        return (
            f"{code(name)} is no App's name: take the last part of its address, "
            "`https://github.com/apps/NAME`, without `[bot]`."
        )
    return ""


def _wrong(app: Entry, known: Collection[str]) -> Iterator[tuple[int, str]]:
    """What is wrong with the commands of an App, by line."""
    names = app.value.items if isinstance(app.value, Items) else ()
    if not names:
        yield app.line, "It must be a list of commands, for example `[fix, ask]`."
    seen: set[str] = set()
    for line, value in names:
        name = value.text if value else ""
        if value is None:
            yield line, "A command is one word, such as `fix`."
        elif name in _NEVER:
            yield line, f"`{name}` is for people alone."
        elif name not in known:
            near = nearest(name, known)
            hint = f" Did you mean `{near}`?" if near else ""
            yield line, f"There is no command {code(name)}.{hint}"
        elif name in seen:
            yield line, f"`{name}` stands here for the second time; keep one of them."
        seen.add(name)
