"""A small API to play people and trouble when the offline GitHub is another process."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from simulator.faults import Fault
from simulator.model import Issue, PullRequest
from simulator.shapes import threads as shape

if TYPE_CHECKING:
    from simulator.backend import Backend
    from simulator.hooks import Delivery
    from simulator.model import Comment, Repository
    from simulator.shapes import Json

PREFIX = "/_simulator"
FAULT_FIELDS = frozenset(field.name for field in fields(Fault))


def add_routes(application: web.Application, backend: Backend) -> None:
    """Serve the control API."""
    control = Control(backend)
    router = application.router
    router.add_get(f"{PREFIX}/state", control.state)
    router.add_post(f"{PREFIX}/comments", control.comment)
    router.add_post(f"{PREFIX}/faults", control.add_faults)
    router.add_delete(f"{PREFIX}/faults", control.clear_faults)
    router.add_post(f"{PREFIX}/webhook-url", control.set_webhook_url)
    router.add_post(f"{PREFIX}/callback-urls", control.set_callback_urls)


def _bad(problem: str) -> web.HTTPBadRequest:
    text = json.dumps({"message": problem})
    return web.HTTPBadRequest(text=text, content_type="application/json")


async def _body(request: web.Request) -> Json:
    try:
        body: Any = await request.json()
    except ValueError:
        raise _bad("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise _bad("The body is no JSON object.")
    return cast("Json", body)


class Control:
    """The handlers of the control API."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def comment(self, request: web.Request) -> web.Response:
        """`POST /_simulator/comments` `{repository, issue, author, body}`."""
        body = await _body(request)
        world = self._backend.world
        repository = world.find(str(body.get("repository")))
        issue = repository.threads.get(cast("int", body.get("issue"))) if repository else None
        author = world.users.get(str(body.get("author")).lower())
        if issue is None or author is None or not isinstance(body.get("body"), str):
            raise _bad("Give `repository`, `issue` and `author` that exist, and `body`, a text.")
        made = world.comment(issue, author=author, body=body["body"])
        return web.json_response(shape.comment(world.site, made), status=201)

    async def add_faults(self, request: web.Request) -> web.Response:
        """`POST /_simulator/faults` with the fields of a fault."""
        body = await _body(request)
        unknown = body.keys() - FAULT_FIELDS
        if unknown:
            raise _bad(f"A fault has no {sorted(unknown)}; it has {sorted(FAULT_FIELDS)}.")
        try:
            self._backend.faults.add(Fault(**body))
        except ValueError as error:
            raise _bad(str(error)) from None
        return web.json_response({}, status=201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """`DELETE /_simulator/faults`: everything works again, and slow requests go on."""
        del request
        self._backend.faults.clear()
        return web.Response(status=204)

    async def set_webhook_url(self, request: web.Request) -> web.Response:
        """`POST /_simulator/webhook-url` `{url}`, null for none."""
        url = (await _body(request)).get("url")
        if url is not None and not isinstance(url, str):
            raise _bad("Give `url`, a text or null.")
        self._backend.world.hooks.url = url
        return web.json_response({})

    async def set_callback_urls(self, request: web.Request) -> web.Response:
        """`POST /_simulator/callback-urls` `{urls}`: where people may be sent back to."""
        urls: Any = (await _body(request)).get("urls")
        if not isinstance(urls, list) or not all(
            isinstance(one, str) for one in cast("list[Any]", urls)
        ):
            raise _bad("Give `urls`, a list of texts.")
        self._backend.world.callback_urls = cast("list[str]", urls)
        return web.json_response({})

    async def state(self, request: web.Request) -> web.Response:
        """`GET /_simulator/state`: all that people would look at, counted by no rate limit."""
        del request
        places = [one for one in self._backend.world.repositories.values() if not one.deleted]
        state = {place.full_name: self._repository(place) for place in places}
        log = [_delivery(one) for one in self._backend.world.hooks.log if one.status]
        return web.json_response({"repositories": state, "deliveries": log})

    def _repository(self, repository: Repository) -> Json:
        return {
            "branches": repository.branches(),
            "issues": [self._thread(issue) for issue in repository.issues],
            "pulls": [self._pull(pull) for pull in repository.pulls],
        }

    def _thread(self, issue: Issue) -> Json:
        return {
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "state": issue.state,
            "author": issue.user.login,
            "url": shape.issue_url(self._backend.world.site, issue),
            "reactions": _reactions(issue),
            "comments": [_comment(comment) for comment in issue.comments],
        }

    def _pull(self, pull: PullRequest) -> Json:
        closes = self._backend.world.closing_references(pull)
        return {
            **self._thread(pull),
            "head": pull.head_label,
            "base": pull.base_branch,
            "merged": pull.merged_at is not None,
            "closes": [issue.number for issue in closes],
            "reviewers": [user.login for user in pull.requested_reviewers],
        }


def _delivery(delivery: Delivery) -> Json:
    """One that has ended, without what it said."""
    return {
        "id": delivery.id,
        "event": delivery.event,
        "action": delivery.action,
        "statusCode": delivery.status_code,
        "duration": delivery.duration,
        "answer": delivery.response_body,
    }


def _comment(comment: Comment) -> Json:
    return {
        "id": comment.id,
        "author": comment.user.login,
        "body": comment.body,
        "reactions": _reactions(comment),
    }


def _reactions(target: Issue | Comment) -> list[Json]:
    return [{"user": one.user.login, "content": one.content} for one in target.reactions]
