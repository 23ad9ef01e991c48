"""The table of settings, made from the class that reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bot.settings import Names, Ports, Settings

_WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`1` or `0`",
    Path: "path",
    SecretStr: "secret",
}


def table() -> str:
    """A Markdown table, one row a setting, in the order of the code."""
    rows = "".join(_row(name, field) for name, field in Settings.model_fields.items())
    return f"| setting | kind | default | |\n|---|---|---|---|\n{rows}"


def _row(name: str, field: FieldInfo) -> str:
    return (
        f"| `BELLHOP_{name.upper()}` | {_kind(field)} | {_default(field)} | {field.description} |\n"
    )


def _kind(field: FieldInfo) -> str:
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    kind = kinds[0] if kinds else field.annotation
    if get_origin(field.annotation) is Literal or get_origin(kind) is Literal:
        choices = get_args(kind) or get_args(field.annotation)
        return " or ".join(f"`{choice}`" for choice in choices)
    if field.annotation == get_args(Names)[0]:
        return "names"
    if field.annotation == get_args(Ports)[0]:
        return "whole numbers"
    return _WORDS[kind] + _limits(field)


def _limits(field: FieldInfo) -> str:
    """The bounds of a number, as the code has them."""
    least = next((one.ge for one in field.metadata if hasattr(one, "ge")), None)
    most = next((one.le for one in field.metadata if hasattr(one, "le")), None)
    if least is not None and most is not None:
        return f", {least} to {most}"
    if least is not None:
        return f", {least} or more"
    return ", above 0" if any(hasattr(one, "gt") for one in field.metadata) else ""


def _default(field: FieldInfo) -> str:
    match field.default:
        case None | "" | ():
            return ""
        case bool() as value:
            return f"`{value:d}`"
        case value:
            return f"`{value}`"
