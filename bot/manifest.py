"""The manifest of the GitHub App to make: `app.yml`, with the address of this Bellhop in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

import yaml

_HERE = Path(__file__).parent
_PLACES = (_HERE / "app.yml", _HERE.parent / "app.yml")
"""Where it is in an installation, and where it is in a checkout."""

Value = str | bool | list["Value"] | dict[str, "Value"]


@cache
def template() -> Mapping[str, Value]:
    """`app.yml` as it is."""
    text = next(place for place in _PLACES if place.exists()).read_text()
    return cast("Mapping[str, Value]", yaml.safe_load(text))


def manifest(name: str, public_url: str, redirect_url: str) -> str:
    """The manifest as JSON, ready for the form that GitHub takes it from.

    Args:
        name: What the App is called, different from every other App on GitHub.
        public_url: What people and GitHub reach.
        redirect_url: Where the browser that asks for it is sent back to.
    """
    raw = template()
    filled = {key: _moved(value, str(raw["url"]), public_url) for key, value in raw.items()}
    return json.dumps({**filled, "name": name, "redirect_url": redirect_url})


def _moved(value: Value, old: str, new: str) -> Value:
    """A value in which every address below `old` is below `new`."""
    if isinstance(value, str):
        return new + value.removeprefix(old) if value.startswith(old) else value
    if isinstance(value, list):
        return [_moved(one, old, new) for one in value]
    if isinstance(value, dict):
        return {key: _moved(one, old, new) for key, one in value.items()}
    return value
