from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import SecretStr

from bot.app import opened
from bot.http.openapi import document
from bot.http.openapi_routes import ROUTES
from bot.http.pages import STATIC, is_page
from bot.settings import Settings
from simulator.keys import made_key


def settings_in(folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "data": folder / "data",
            "app_id": 1,
            "private_key": SecretStr(made_key()),
            "webhook_secret": SecretStr("s"),
            "github_api_url": "http://127.0.0.1:1/api",
            "github_url": "http://127.0.0.1:1",
        }
    )


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(json.loads(json.dumps(document()))).validate()


async def test_every_route_that_is_served_is_in_the_document(tmp_path: Path) -> None:
    async with opened(settings_in(tmp_path)) as bellhop:
        app = bellhop.application()
        served = {
            (route.method, re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.resource.canonical))
            for route in app.router.routes()
            if route.resource is not None
            and route.method not in {"HEAD", "*"}
            and not route.resource.canonical.startswith(STATIC)
            and (route.resource.canonical == "/docs" or not is_page(app, route.handler))
        }
    described = {(route.method, route.path) for route in ROUTES}
    twins = {(method, path.replace("/api/", "/api/v1/", 1)) for method, path in described}
    assert served == described | {(method, path) for method, path in twins if "/api/" in path}


async def test_it_is_served_under_both_prefixes(tmp_path: Path) -> None:
    async with (
        opened(settings_in(tmp_path)) as bellhop,
        TestClient(TestServer(bellhop.application())) as client,
    ):
        for prefix in ("/api", "/api/v1"):
            answer = await client.get(f"{prefix}/openapi.json")
            assert answer.status == 200
            assert await answer.json() == document()


def _operation(method: str, path: str) -> Any:
    return document()["paths"][path][method]


@pytest.mark.parametrize(
    ("method", "path", "security", "statuses"),
    [
        (
            "post",
            "/api/webhooks/github",
            ["githubSignature"],
            {"200", "202", "400", "401", "413", "415", "503"},
        ),
        ("get", "/api/callbacks/task", ["workerToken"], {"200", "400", "401", "409", "503"}),
        ("get", "/healthz", [], {"200"}),
        (
            "post",
            "/api/git/{task_id}/git-receive-pack",
            ["workerToken", "workerPassword"],
            {"200", "400", "401", "403", "409", "415"},
        ),
    ],
)
def test_a_route_says_who_may_call_it_and_what_it_answers(
    method: str, path: str, security: list[str], statuses: set[str]
) -> None:
    operation = _operation(method, path)
    assert [name for one in operation["security"] for name in one] == security
    assert operation["responses"].keys() == statuses


def test_bodies_are_described_by_their_names_on_the_wire() -> None:
    schemas = document()["components"]["schemas"]
    body = _operation("post", "/api/callbacks/complete")["requestBody"]["content"]
    assert body == {"application/json": {"schema": {"$ref": "#/components/schemas/Completion"}}}
    assert {"taskId", "prUrl"} <= schemas["Completion"]["properties"].keys()
    assert schemas["Completion"]["required"] == ["taskId", "status"]
    assert "contractVersion" in schemas["Assignment"]["properties"]


def test_refusals_are_problem_documents_but_git_prints_text() -> None:
    refused = _operation("post", "/api/callbacks/token")["responses"]["401"]["content"]
    assert refused == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
    }
    git = _operation("get", "/api/git/{task_id}/info/refs")["responses"]["403"]["content"]
    assert git.keys() == {"text/plain"}
