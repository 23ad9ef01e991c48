"""The API for people: the same document as a page, with nothing from elsewhere in it."""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from bot.app import opened
from bot.http.openapi import document
from bot.http.page_filters import prose
from tests.test_bot_openapi import settings_in


async def _page(folder: Path) -> tuple[str, dict[str, str]]:
    async with (
        opened(settings_in(folder)) as bellhop,
        TestClient(TestServer(bellhop.application())) as client,
    ):
        answer = await client.get("/docs")
        assert answer.status == 200
        for name in ("bellhop.css", "bell.svg"):
            assert (await client.get(f"/static/{name}")).status == 200
        return await answer.text(), dict(answer.headers)


async def test_every_route_and_every_model_is_on_the_page(tmp_path: Path) -> None:
    page, _ = await _page(tmp_path)
    for path, methods in document()["paths"].items():
        assert f"<code>{path}</code>" in page
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
    for name, schema in document()["components"]["schemas"].items():
        assert f'id="model-{name}"' in page
        assert all(f"<code>{field}</code>" in page for field in schema.get("properties", {}))


def test_what_stands_in_backticks_is_code_and_nothing_else_is_markup() -> None:
    assert prose("Not `<b>` & `x`") == "Not <code>&lt;b&gt;</code> &amp; <code>x</code>"


async def test_links_lead_somewhere(tmp_path: Path) -> None:
    page, _ = await _page(tmp_path)
    ids = set(re.findall(r'id="([^"]+)"', page))
    assert {name for name in re.findall(r'href="#([^"]+)"', page) if name not in ids} == set()


async def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    page, headers = await _page(tmp_path)
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []
    assert "<script" not in page
    assert "style=" not in page
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
