"""`GET` of one task: the whole of it, or the little that changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from aiohttp import web

from bot.http.answers import json_answer, json_text
from bot.http.routes import add_route
from bot.http.task_bodies import task_status, whole_task
from bot.http.task_sight import ONE_TASK, TaskSight, no_task


@dataclass(frozen=True, slots=True)
class ReadDesk:
    """Tells of tasks."""

    sight: TaskSight
    web_url: str

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "GET", ONE_TASK, self._whole)
        add_route(app, "GET", "/tasks/{task_id}/status", self._status)

    async def _whole(self, request: web.Request) -> web.Response:
        seen = await self.sight.task(request, "tasks:read")
        brief = await self.sight.store.brief(seen.task.id)
        if brief is None:  # removed since it was looked at
            raise no_task()
        return json_answer(whole_task(brief.task, brief.attempts, self.web_url, mine=seen.mine))

    async def _status(self, request: web.Request) -> web.Response:
        seen = await self.sight.task(request, "tasks:read")
        text = task_status(seen.task).model_dump_json(by_alias=True)
        tag = hashlib.sha256(text.encode()).hexdigest()[:32]
        headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
        if _is_known(request, tag):
            return web.Response(status=304, headers=headers)
        return json_text(text, headers=headers)


def _is_known(request: web.Request, tag: str) -> bool:
    """Whether the client has this already: `If-None-Match` compares weakly."""
    return any(one.value in {"*", tag} for one in request.if_none_match or ())
