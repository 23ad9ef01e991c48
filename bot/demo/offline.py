"""The offline GitHub as the demonstration sees it: over HTTP, like anybody else."""

from __future__ import annotations

import aiohttp
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from handlers.comment_form import find_marker


class _Shape(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, frozen=True
    )


class Place(_Shape):
    """The first line that the offline GitHub prints: where everything is."""

    url: str
    api_url: str
    app_id: int
    slug: str
    client_id: str
    client_secret: str
    private_key: str
    webhook_secret: str
    repository: str
    clone_url: str
    issue_number: int
    issue_url: str
    writer: str
    control_url: str

    @property
    def bot_login(self) -> str:
        """The account in whose name Bellhop writes."""
        return f"{self.slug}[bot]"


class Reaction(_Shape):
    """Who reacted how."""

    user: str
    content: str


class Remark(_Shape):
    """A comment."""

    id: int
    author: str
    body: str
    reactions: tuple[Reaction, ...] = ()

    @property
    def is_status(self) -> bool:
        """Whether Bellhop's hidden marker calls it a status comment."""
        found = find_marker(self.body)
        return found is not None and found[0].endswith("/status")


class Thread(_Shape):
    """An issue or pull request."""

    number: int
    title: str
    state: str
    url: str
    comments: tuple[Remark, ...] = ()


class Pull(Thread):
    """A pull request; `closes` are the numbers of the issues that its merge closes."""

    head: str
    base: str
    merged: bool = False
    closes: tuple[int, ...] = ()


class Repository(_Shape):
    """Everything that people would look at."""

    branches: tuple[str, ...]
    issues: tuple[Thread, ...]
    pulls: tuple[Pull, ...]


class Delivery(_Shape):
    """A webhook request that has ended; `status_code` is 0 where nobody answered."""

    id: int
    event: str
    action: str | None
    status_code: int
    duration: float
    answer: str | None = None

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The tasks with which Bellhop answered."""
        return _Outcome.model_validate_json(self.answer or "{}").task_ids


class State(_Shape):
    """Everything at one moment; the deliveries are the App's, oldest first."""

    repositories: dict[str, Repository]
    deliveries: tuple[Delivery, ...]


class _Made(BaseModel):
    id: int


class _Outcome(_Shape):
    task_ids: tuple[str, ...] = ()


class OfflineGitHub:
    """Reads what is there, and plays a person."""

    def __init__(self, session: aiohttp.ClientSession, place: Place) -> None:
        self._session = session
        self._place = place

    async def deliver_to(self, url: str) -> None:
        """Let the App's webhook lead to `url`."""
        await self._control("webhook-url", {"url": url})

    async def send_people_back_to(self, url: str) -> None:
        """Let people come back to `url` after they have signed in."""
        await self._control("callback-urls", {"urls": [url]})

    async def comment(self, body: str) -> int:
        """Let the repository's writer comment on its issue; the comment's id."""
        place = self._place
        text = await self._control(
            "comments",
            {
                "repository": place.repository,
                "issue": place.issue_number,
                "author": place.writer,
                "body": body,
            },
        )
        return _Made.model_validate_json(text).id

    async def state(self) -> State:
        """What there is now; looking costs nothing of the App's requests an hour."""
        async with self._session.get(f"{self._place.control_url}/state") as answer:
            answer.raise_for_status()
            return State.model_validate_json(await answer.read())

    async def _control(self, what: str, body: dict[str, object]) -> bytes:
        url = f"{self._place.control_url}/{what}"
        async with self._session.post(url, json=body) as answer:
            answer.raise_for_status()
            return await answer.read()
