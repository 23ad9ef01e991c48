"""`/docs`: the API for people to read, made from the same document that programs get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from aiohttp import web

from bot.http.caller import Caller
from bot.http.openapi import document
from bot.http.pages import add, show

Json = dict[str, Any]

REF = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Type:
    """What a value may be, in words, and the models that it names."""

    text: str
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a model, or one parameter of a route; `place` is where a parameter stands."""

    name: str
    type: Type
    required: bool
    description: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One status that a route may answer."""

    status: str
    description: str
    type: Type


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    summary: str
    who: tuple[str, ...]
    parameters: tuple[Field, ...]
    body: Type | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of body, or of a part of one."""

    name: str
    description: str
    fields: tuple[Field, ...]


def add_reference(app: web.Application) -> None:
    """Serve the page."""
    add(app, "GET", "/docs", _serve, public=True)


async def _serve(request: web.Request, _: Caller | None) -> web.Response:
    return show(request, "reference.html", _values())


@cache
def _values() -> Json:
    api = document()
    groups: dict[str, list[Operation]] = {}
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            group = groups.setdefault(operation["tags"][0], [])
            group.append(_operation(method.upper(), path, operation))
    models = [_model(name, schema) for name, schema in api["components"]["schemas"].items()]
    return {
        "about": api["info"]["description"].split("\n\n"),
        "version": api["info"]["version"],
        "groups": groups,
        "models": models,
        "schemes": api["components"]["securitySchemes"],
    }


def _operation(method: str, path: str, operation: Json) -> Operation:
    return Operation(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        who=tuple(name for one in operation["security"] for name in one),
        parameters=tuple(_parameter(one) for one in operation.get("parameters", ())),
        body=_of_content(operation["requestBody"]["content"])
        if "requestBody" in operation
        else None,
        answers=tuple(
            Answer(status, one["description"], _of_content(one.get("content", {})))
            for status, one in sorted(operation["responses"].items())
        ),
    )


def _parameter(parameter: Json) -> Field:
    return Field(
        parameter["name"],
        _type(parameter.get("schema", {})),
        parameter.get("required", False),
        parameter.get("description", ""),
        parameter["in"],
    )


def _model(name: str, schema: Json) -> Model:
    required = schema.get("required", ())
    fields = tuple(
        Field(key, _type(value), key in required, value.get("description", ""))
        for key, value in schema.get("properties", {}).items()
    )
    return Model(name, schema.get("description", ""), fields)


def _of_content(content: Json) -> Type:
    """The model of a body, or else its media types."""
    for body in content.values():
        if (found := _type(body.get("schema", {}))).models:
            return found
    return Type(", ".join(content))


def _type(schema: Json) -> Type:
    """A schema in a line."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REF)
        return Type(name, (name,))
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _joined([_type(one) for one in schema[key]], " or ")
    if "const" in schema:
        return Type(f"“{schema['const']}”")
    if "enum" in schema:
        return Type(" | ".join(str(one) for one in schema["enum"]))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        inner = _type(schema.get("items", {}))
        return Type(f"list of {inner.text}", inner.models)
    limits = ", ".join(_limits(schema))
    text = str(schema.get("format", kind))
    return Type(f"{text} ({limits})" if limits else text)


def _joined(types: list[Type], word: str) -> Type:
    return Type(
        word.join(one.text for one in types), tuple(name for one in types for name in one.models)
    )


_LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "{}",
}


def _limits(schema: Json) -> Iterator[str]:
    for key, words in _LIMITS.items():
        if key in schema:
            yield words.format(schema[key])
