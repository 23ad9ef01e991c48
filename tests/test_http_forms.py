"""Forms and scripts of our own pages, known by a token."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from aiohttp import ClientResponse, web

from bot.http.forms import FIELD, HEADER, MEDIA, MOST_FIELDS
from bot.http.limiting import Limits
from tests.door import Door, door
from tests.makers import ADA, BOB

OURS = {"Sec-Fetch-Site": "same-origin"}


def add_page(app: web.Application, here: Door) -> None:
    """A page with a form that says who looks and what was sent."""

    async def shown(request: web.Request) -> web.Response:
        caller = await here.doorman.visitor(request)
        return web.json_response(caller and caller.person.login)

    async def sent(request: web.Request) -> web.Response:
        caller = await here.doorman.visitor(request)
        assert caller is not None
        fields = await here.doorman.forms.read(request, caller)
        return web.json_response(list(fields.items()))

    app.router.add_get("/page", shown)
    app.router.add_post("/page", sent)


async def post(
    here: Door, headers: dict[str, str], data: bytes | str, kind: str = MEDIA
) -> ClientResponse:
    sent = {key: text for key, text in headers.items() if key != HEADER}
    return await here.client.post(
        "/page",
        data=io.BytesIO(data.encode() if isinstance(data, str) else data),
        headers=sent | OURS | {"Content-Type": kind},
    )


async def test_whoever_has_a_session_is_seen_on_a_page(tmp_path: Path) -> None:
    async with door(tmp_path, extra=add_page) as here:
        cookie = await here.session()
        name = here.doorman.cookie
        seen = [
            await (await here.client.get("/page", headers=headers)).json()
            for headers in (
                cookie,
                {},
                {"Cookie": f"{name}=guessed"},
                {"Cookie": f'{name}="\xff\\377"'},
                {"Cookie": f"{name}="},
                {"Authorization": f"Bearer {await here.key()}"},
            )
        ]
        assert seen == [ADA.login, None, None, None, None, None]


async def test_looking_at_pages_counts(tmp_path: Path) -> None:
    async with door(tmp_path, extra=add_page, limits=Limits(key=1)) as here:
        cookie = await here.session()
        seen = [(await here.client.get("/page", headers=cookie)).status for _ in range(2)]
        assert seen == [200, 429]


async def test_a_form_of_ours_is_read(tmp_path: Path) -> None:
    async with door(tmp_path, extra=add_page) as here:
        cookie = await here.session()
        data = f"{FIELD}={cookie[HEADER]}&name=a+b&empty=&name=%C3%BC"
        answer = await post(here, cookie, data)
        assert await answer.json() == [["name", "a b"], ["empty", ""], ["name", "ü"]]


async def test_a_form_without_the_sessions_token_is_refused(tmp_path: Path) -> None:
    async with door(tmp_path, extra=add_page) as here:
        cookie, bob = await here.session(), await here.session(BOB, "bob's")
        right = cookie[HEADER]
        wrong = ["", f"{FIELD}=", f"{FIELD}={bob[HEADER]}", f"{FIELD}={right[:-1]}"]
        wrong += [f"{FIELD}={right}%00", f"{FIELD}=%ED%B2%80", f"{FIELD}=x&{FIELD}={right}"]
        for data in wrong:
            answer = await post(here, cookie, f"{data}&name=n")
            problem = await answer.json()
            assert (answer.status, problem["code"]) == (403, "form_expired"), data
            assert "Load the page again" in problem["detail"]


async def test_a_form_from_another_sites_page_is_refused(tmp_path: Path) -> None:
    async with door(tmp_path, extra=add_page) as here:
        cookie = await here.session()
        for site in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}, {}):
            answer = await here.client.post(
                "/page",
                data=f"{FIELD}={cookie[HEADER]}",
                headers={"Cookie": cookie["Cookie"], "Content-Type": MEDIA} | site,
            )
            assert (answer.status, (await answer.json())["code"]) == (403, "cross_site")


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"a=b", "text/plain", 415),
        (b"a=b", "multipart/form-data; boundary=x", 415),
        (b"a=\xff", MEDIA, 400),
        ("&".join(f"a{n}=1" for n in range(MOST_FIELDS + 1)).encode(), MEDIA, 400),
        (b"a=" + b"x" * 2**20, MEDIA, 413),
    ],
)
async def test_what_is_no_form_is_told_so(
    tmp_path: Path, data: bytes, kind: str, status: int
) -> None:
    async with door(tmp_path, extra=add_page) as here:
        answer = await post(here, await here.session(), data, kind)
        assert answer.status == status


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_script_sends_the_token_of_its_page(tmp_path: Path, method: str) -> None:
    async with door(tmp_path) as here:
        cookie, bob = await here.session(), await here.session(BOB, "bob's")
        assert await here.status("session", method=method, headers=cookie | OURS) == 200
        for wrong in ({}, {HEADER: ""}, {HEADER: bob[HEADER]}, {HEADER: "\xff"}):
            headers = {"Cookie": cookie["Cookie"]} | OURS | wrong
            answer = await here.ask("tasks:write", method=method, headers=headers)
            assert (answer.status, (await answer.json())["code"]) == (403, "form_expired"), wrong
        assert await here.status("tasks:write", await here.key(), method=method) == 200
        assert await here.status("session", headers={"Cookie": cookie["Cookie"]}) == 200


async def test_a_key_has_no_forms(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        assert await here.status("tasks:read", await here.key()) == 200
        (caller,) = here.callers
        assert here.doorman.forms.token(caller) == ""
