"""What a row of the API's table is made of, and the answers that no other module models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from bot.http.bodies import Body

JSON = ("application/json",)
PROBLEM = "application/problem+json"

Parameter = Mapping[str, Any]
"""A parameter as OpenAPI writes it; see `path`, `query` and `header`."""


class FieldError(BaseModel):
    """What is wrong with one field of a body."""

    field: str
    message: str


class ProblemDocument(BaseModel):
    """Why a request was refused, and what to do about it (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str = ""
    errors: list[FieldError] = []


class Delivered(Body):
    """What became of a delivery; `taskIds` are the commands that it may hold."""

    delivery: str
    outcome: Literal["accepted", "ignored", "duplicate"]
    task_ids: list[str] = []  # noqa: RUF012 - pydantic copies it


class Health(BaseModel):
    """It works."""

    status: Literal["ok"]


@dataclass(frozen=True, slots=True)
class Content:
    """A body in one of some media types, described by a model or by a schema.

    In the types of `also` it is a text that no schema describes; an `optional` body may be missing.
    """

    model: type[BaseModel] | None = None
    media: tuple[str, ...] = JSON
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])
    also: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer; `headers` are those worth telling of, with what they say."""

    description: str
    content: Content | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        problems: Refusals by status, in words.
        parameters: Names in `rows_common.PARAMETERS`, or parameters of its own.
        security: Names in `rows_common.SECURITY`, any of which is enough; none for everybody.
        plain: Whether refusals are a line of text, as git prints them.
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    answers: Mapping[int, Answer]
    problems: Mapping[int, str] = field(default_factory=dict[int, str])
    body: Content | None = None
    parameters: tuple[str | Parameter, ...] = ()
    security: tuple[str, ...] = ()
    plain: bool = False


def path(name: str, description: str, schema: Mapping[str, Any]) -> Parameter:
    """A part of the path, written there as `{name}`."""
    return _parameter("path", name, description, schema, required=True)


def query(
    name: str, description: str, schema: Mapping[str, Any], *, required: bool = False
) -> Parameter:
    """A parameter after the question mark."""
    return _parameter("query", name, description, schema, required=required)


def header(
    name: str, description: str, schema: Mapping[str, Any], *, required: bool = False
) -> Parameter:
    """A header that means something here."""
    return _parameter("header", name, description, schema, required=required)


def text_like(pattern: str) -> Mapping[str, Any]:
    """The schema of a text of this form."""
    return {"type": "string", "pattern": pattern}


def _parameter(
    where: str, name: str, description: str, schema: Mapping[str, Any], *, required: bool
) -> Parameter:
    return {
        "name": name,
        "in": where,
        "required": required,
        "description": description,
        "schema": schema,
    }
