"""Request bodies: JSON in camelCase or snake_case, checked strictly, told field by field."""

from __future__ import annotations

import json
from typing import Any, ClassVar, TypeVar, cast

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from bot.http.problems import Problem

Model = TypeVar("Model", bound="Body")

LONGEST_NAME = 64
"""Characters of a field's name. Longer ones are nobody's, and reading them would take time."""

MOST_NAMES = 200
"""Fields of one object: looking at more would take time that is everybody's."""
MOST_ERRORS = 20
"""How many wrong fields are told at once."""


class Body(BaseModel):
    """A body, or a part of one. Unknown fields are errors."""

    own_names: ClassVar[frozenset[str]] = frozenset()
    """The fields whose values are objects with names of the sender's own."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
    )


async def read_body(request: web.Request, model: type[Model]) -> Model:
    """The body of a request as a value.

    Raises:
        Problem: 415 for another type than JSON, 413 too large, 400 for what is no JSON, 422 with
            each field that is wrong.
    """
    if request.content_type != "application/json":
        raise Problem(415, "Send the body as application/json.")
    raw = await request.read()
    try:
        _look(json.loads(raw, object_pairs_hook=_once), model.own_names)
    except _Twice as error:
        raise _invalid([{"field": str(error), "message": "it is given twice"}]) from None
    except _TooLong as error:
        raise _invalid([{"field": str(error), "message": "there is no such field"}]) from None
    except _TooMany:
        detail = f"An object has more than {MOST_NAMES} fields: no body of ours does."
        raise Problem(422, detail) from None
    except (ValueError, RecursionError):
        raise Problem(400, "The body is no JSON document.") from None
    return valid(raw, model)


def valid(raw: bytes | str, model: type[Model]) -> Model:
    """A JSON document as a value.

    Raises:
        Problem: 400 for what is no JSON, 422 with each field that is wrong.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if any(one["type"] == "json_invalid" for one in error.errors()):
            raise Problem(400, "The body is no JSON document.") from None
        raise _invalid(
            [
                {"field": ".".join(str(part) for part in one["loc"]), "message": one["msg"]}
                for one in error.errors(include_url=False, include_input=False)[:MOST_ERRORS]
            ]
        ) from None


class _Twice(Exception):  # noqa: N818 - never leaves this module
    """A field is there twice, as it is or in both spellings."""


class _TooMany(Exception):  # noqa: N818 - never leaves this module
    """More names than any object has fields."""


class _TooLong(Exception):  # noqa: N818 - never leaves this module
    """A name that no field has."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_NAMES:
        raise _TooMany
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if len(key) > LONGEST_NAME:
            raise _TooLong(key[:LONGEST_NAME])
        if key in seen:
            raise _Twice(key)
        seen[key] = value
    return seen


def _look(value: object, own_names: frozenset[str]) -> None:
    """Look for fields that are there in both spellings, save where names are the sender's own."""
    if isinstance(value, list):
        for item in cast("list[object]", value):
            _look(item, own_names)
    elif isinstance(value, dict):
        seen: set[str] = set()
        for key, item in cast("dict[str, object]", value).items():
            if (name := to_camel(key)) in seen:
                raise _Twice(key)
            seen.add(name)
            if name not in own_names:
                _look(item, own_names)


def _invalid(errors: list[dict[str, str]]) -> Problem:
    return Problem(422, "The body has fields that are wrong; `errors` tells which.", errors=errors)
