"""What a row of the API's table is made of, and the answers that no other module models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from bot.http.bodies import Body

JSON = ("application/json",)


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
    """A body in one of some media types, described by a model or by a schema."""

    model: type[BaseModel] | None = None
    media: tuple[str, ...] = JSON
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    description: str
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        problems: Refusals by status, in words.
        parameters: Names in `PARAMETERS`.
        security: Names in `SECURITY`, any of which is enough; none for everybody.
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
    parameters: tuple[str, ...] = ()
    security: tuple[str, ...] = ()
    plain: bool = False
