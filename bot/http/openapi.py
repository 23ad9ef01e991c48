"""The OpenAPI 3.1 document: a table of the routes and the models of their bodies.

Served at `/api/openapi.json`. See https://spec.openapis.org/oas/v3.1.0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from bot.http.openapi_parts import PROBLEM, Answer, Content, Parameter, ProblemDocument, Route
from bot.http.openapi_routes import ROUTES
from bot.http.routes import add_route
from bot.http.rows_common import PARAMETERS, SECURITY

Json = dict[str, Any]

ABOUT = """Bellhop turns `/fix` on a GitHub issue into a pull request.

Every route below `/api` is also served below `/api/v1`, with the same meaning. Bodies are JSON in
camelCase; snake_case is taken too. Errors are problem documents (RFC 9457), and every answer
carries an `X-Request-Id`."""

_Key = tuple[type[BaseModel], JsonSchemaMode]


def add_openapi(app: web.Application) -> None:
    """Serve the document."""
    add_route(app, "GET", "/openapi.json", _serve)


async def _serve(_: web.Request) -> web.Response:
    return web.Response(body=_encoded(), content_type="application/json")


@cache
def _encoded() -> bytes:
    return json.dumps(document()).encode()


def document() -> Json:
    """The whole document, as JSON values."""
    references, schemas = _schemas()
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bellhop", "version": version("bellhop"), "description": ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": SECURITY},
    }


def _schemas() -> tuple[Mapping[_Key, Json], Json]:
    """A reference to each model's schema, and the schemas: of bodies as they are read."""
    models: dict[_Key, None] = {(ProblemDocument, "serialization"): None}
    for route in ROUTES:
        if route.body and route.body.model:
            models[route.body.model, "validation"] = None
        for answer in route.answers.values():
            if answer.content and answer.content.model:
                models[answer.content.model, "serialization"] = None
    found, definitions = models_json_schema(
        list(models), by_alias=True, ref_template="#/components/schemas/{model}"
    )
    return {key: found[key] for key in models}, definitions["$defs"]


def _operation(route: Route, references: Mapping[_Key, Json]) -> Json:
    answers: dict[str, Json] = {}
    for status, answer in route.answers.items():
        answers[str(status)] = _answer(answer, references)
    problem = {"schema": references[ProblemDocument, "serialization"]}
    for status, description in route.problems.items():
        content = {"text/plain": {"schema": {"type": "string"}}} if route.plain else None
        answers[str(status)] = {
            "description": description,
            "content": content or {PROBLEM: problem},
        }
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "security": [{scheme: []} for scheme in route.security],
        "responses": answers,
    }
    if route.parameters:
        operation["parameters"] = [_parameter(one) for one in route.parameters]
    if route.body:
        content = _content(route.body, references, "validation")
        operation["requestBody"] = {"required": not route.body.optional, "content": content}
    return operation


def _answer(answer: Answer, references: Mapping[_Key, Json]) -> Json:
    told: Json = {"description": answer.description}
    if answer.content:
        told["content"] = _content(answer.content, references, "serialization")
    if answer.headers:
        told["headers"] = {
            name: {"description": description, "schema": {"type": "string"}}
            for name, description in answer.headers.items()
        }
    return told


def _parameter(parameter: str | Parameter) -> Parameter:
    return PARAMETERS[parameter] if isinstance(parameter, str) else parameter


def _content(content: Content, references: Mapping[_Key, Json], mode: JsonSchemaMode) -> Json:
    schema = references[content.model, mode] if content.model else content.schema
    texts = {media: {"schema": {"type": "string"}} for media in content.also}
    return {media: {"schema": schema} for media in content.media} | texts
