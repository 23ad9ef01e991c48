"""All desks for tasks together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot.facts import Facts
from bot.http.task_acts import TaskActs
from bot.http.task_asking import CheckUrl, TaskAsking
from bot.http.task_sight import TaskSight
from bot.http.tasks_act import ActDesk
from bot.http.tasks_create import CreateDesk
from bot.http.tasks_delete import DeleteDesk
from bot.http.tasks_list import ListDesk
from bot.http.tasks_make import TaskMaker
from bot.http.tasks_read import ReadDesk


@dataclass(frozen=True, slots=True)
class TaskDesks:
    """What they need."""

    sight: TaskSight
    facts: Facts
    check_url: CheckUrl
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    web_url: str

    @property
    def maker(self) -> TaskMaker:
        """What makes tasks."""
        sight = self.sight
        asking = TaskAsking(
            store=sight.store,
            roles=sight.roles,
            facts=self.facts,
            check_url=self.check_url,
            clock=self.clock,
            new_id=self.new_id,
            web_url=self.web_url,
        )
        return TaskMaker(sight.store, sight.doorman, asking, self.clock, self.web_url)

    @property
    def acts(self) -> TaskActs:
        """What is done to tasks."""
        return TaskActs(self.sight, self.facts, self.clock, self.new_id)

    def register(self, app: web.Application) -> None:
        """Serve every route about tasks."""
        sight = self.sight
        CreateDesk(sight.doorman, self.maker).register(app)
        ListDesk(sight, self.clock, self.web_url).register(app)
        ReadDesk(sight, self.web_url).register(app)
        ActDesk(self.acts, self.web_url).register(app)
        DeleteDesk(sight, self.clock, self.acts).register(app)
