"""A strict part of YAML: one list of `key: value`, with line numbers, nothing constructed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import yaml

from handlers.text import code

MAX_BYTES: Final = 65_536
"""The largest file that is read."""
_MAX_DEPTH: Final = 5
_TYPE: Final = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as written: `kind` is what YAML takes it for, such as `str`, `int` or `bool`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list: each value with its line, None where it is no scalar."""

    items: tuple[tuple[int, Scalar | None], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value`. `line` counts from 1; a value can be a list or a mapping."""

    line: int
    key: str
    value: Scalar | Items | tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why nothing of the file can be read."""

    line: int
    message: str


def read_entries(text: str) -> tuple[Entry, ...] | Unreadable:
    """Read a file, whatever it is; keys can come twice, an empty file has none."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        return Unreadable(1, f"The file is larger than {MAX_BYTES // 1024} KB.")
    try:
        refused = _refused(text)
        return refused or _entries(yaml.compose(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return Unreadable(line, f"The file is not valid YAML: {code(str(error.problem))}.")
    except (yaml.YAMLError, ValueError, OverflowError):
        # A character that YAML forbids, or an escape for one that does not exist.
        return Unreadable(1, "The file is not valid YAML: a character in it is not allowed.")


def _refused(text: str) -> Unreadable | None:
    """Return the first thing in the file that YAML allows and this file may not have.

    It reads on only as far as it must: deep nesting would exhaust whatever builds a tree of it.
    """
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        message = ""
        if documents > 1:
            message = "The file holds several documents; remove the line `---` between them."
        elif depth > _MAX_DEPTH:
            message = "The file is nested too deeply: it is a list of `key: value`."
        elif isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            message = "Anchors (`&name`) and aliases (`*name`) cannot be used; write the value out."
        if message:
            return Unreadable(_line(event), message)
    return None


def _entries(node: yaml.Node | None) -> tuple[Entry, ...] | Unreadable:
    if node is None or node.tag == f"{_TYPE}null":
        return ()
    if not isinstance(node, yaml.MappingNode):
        return Unreadable(_line(node), "The file must be a list of `key: value`.")
    return _pairs(node)


def _pairs(node: yaml.MappingNode) -> tuple[Entry, ...]:
    pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
    return tuple(
        Entry(_line(key), key.value if isinstance(key, yaml.ScalarNode) else "", _value(value))
        for key, value in pairs
    )


def _value(node: yaml.Node) -> Scalar | Items | tuple[Entry, ...]:
    if isinstance(node, yaml.MappingNode):
        return _pairs(node)
    if isinstance(node, yaml.SequenceNode):
        values: list[yaml.Node] = node.value
        return Items(tuple((_line(one), _scalar(one)) for one in values))
    return Scalar(node.tag.removeprefix(_TYPE), node.value)


def _scalar(node: yaml.Node) -> Scalar | None:
    found = _value(node)
    return found if isinstance(found, Scalar) else None


def _line(at: yaml.Node | yaml.Event) -> int:
    return at.start_mark.line + 1 if at.start_mark else 1
