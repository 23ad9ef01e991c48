"""The page of deliveries, for operators."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.http.limiting import Limits
from bot.http.page_deliveries import BECAME
from handlers.effects import SendWebhook
from handlers.missed import Missed
from handlers.webhook_tries import Sending
from storage.arrived import GIVEN_UP
from storage.candidates import Candidate
from storage.receiving import Arrival
from tests.http_pages import Browser, Shown, browser
from tests.http_tasks import Desk, desk
from tests.makers import id_of
from tests.payloads import comment_body
from tests.story import Stage, until

PATH = "/deliveries"
SENT = f"{PATH}?direction=outbound"


@dataclass
class Counter:
    """An operator at the page."""

    desk: Desk
    tina: Browser

    async def message(self, number: int) -> str:
        """A message that nobody takes; its id."""
        name = f"msg_{number:032x}_1"
        owner = self.desk.stage.sim.user("alice").id
        body = json.dumps({"type": "task.failed", "data": {}})
        effect = SendWebhook(
            name, name, id_of(number), 1, owner, "https://receiver.test/<hook>", body
        )
        store = self.desk.stage.bot.store
        await store.outbound.keep(effect, "receiver.test", self.desk.stage.clock())
        return name

    async def again(self, name: str, direction: str = "inbound") -> Shown:
        """Send the form of a replay."""
        token = (await self.tina.get(f"{PATH}?direction={direction}")).token
        fields = {"form_token": token, "direction": direction}
        return await self.tina.post(f"{PATH}/{name}/replay?direction={direction}", fields)


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncGenerator[Counter]:
    async with desk(tmp_path, admins=("tina",)) as (made, _):
        yield Counter(made, await browser(made, "tina"))


async def test_it_shows_what_came_in_and_what_became_of_it(counter: Counter) -> None:
    assert "Nothing came yet" in (await counter.tina.get(PATH)).text
    stage = counter.desk.stage
    stage.comments("alice", "/bellhop help")
    stage.comments("alice", "/fix it")
    task = await stage.ended()
    shown = await counter.tina.get(PATH)
    assert f'href="/tasks/{task.id}">became a task' in shown.html
    assert "was answered" in shown.text
    assert shown.text.count("issue_comment") == 2
    assert "Take again" not in shown.text


async def test_it_shows_what_had_been_missed(counter: Counter) -> None:
    store, clock = counter.desk.stage.bot.store, counter.desk.stage.clock
    now = clock()
    missed = [Missed(f"guid-{number}", number, "issue_comment", now) for number in (1, 2)]
    await store.missed.note(missed, now, now)
    await store.missed.asked("guid-1")
    for number in (1, 2):
        candidate = Candidate(id_of(number), "comment", 9000 + number, 0)
        body = comment_body(9000 + number, text="no command")
        arrival = Arrival(f"guid-{number}", "issue_comment", now, body, (candidate,))
        await (store.inbox.receive if number == 1 else store.missed.take)(arrival)
        await store.ignore([id_of(number)], "gone", now)
    shown = (await counter.tina.get(PATH)).text
    assert shown.count("missed, and delivered again") == 1
    assert shown.count("missed, and taken from GitHub's log") == 1
    assert shown.count("was gone when it was found") == 2


async def test_what_was_given_up_is_taken_again(counter: Counter) -> None:
    store, clock = counter.desk.stage.bot.store, counter.desk.stage.clock
    candidate = Candidate(id_of(1), "comment", 9001, 0)
    body = comment_body(9001, text="no command")
    await store.inbox.receive(Arrival("delivery-1", "issue_comment", clock(), body, (candidate,)))
    await store.ignore([id_of(1)], "no_access", clock())
    shown = await counter.tina.get(PATH)
    assert "given up: the App had no access" in shown.text
    assert f'action="{PATH}/delivery-1/replay"' in shown.html
    sent = await counter.again("delivery-1")
    assert (sent.status, sent.location) == (303, f"{PATH}?done=taken")
    assert "It is taken again now" in (await counter.tina.get(sent.location)).text

    async def taken() -> bool:
        return "asked for nothing" in (await counter.tina.get(PATH)).text

    await until(taken, "the delivery")
    done = await counter.again("delivery-1")
    assert done.status == 409
    assert "It was dealt with" in done.text


async def test_it_shows_what_was_sent_and_sends_it_again(counter: Counter) -> None:
    assert "Nothing was sent yet" in (await counter.tina.get(SENT)).text
    name = await counter.message(1)
    store = counter.desk.stage.bot.store
    store.changed.set()

    async def failed() -> bool:
        sent = await store.outbound.find(name)
        return sent is not None and sent.state is Sending.FAILED

    await until(failed, "a message that cannot be sent")
    shown = await counter.tina.get(SENT)
    assert "https://receiver.test/<hook>" in shown.text
    assert f'href="/tasks/{id_of(1)}"' in shown.html
    sent = await counter.again(name, "outbound")
    assert (sent.status, sent.location) == (303, f"{SENT}&done=sent")
    assert "It is sent again now" in (await counter.tina.get(sent.location)).text
    absent = await counter.again(f"msg_{9:032x}_1", "outbound")
    assert absent.status == 404
    assert (await counter.again("a_b")).status == 400


async def test_replays_are_counted_as_at_the_api(tmp_path: Path) -> None:
    def prepare(stage: Stage) -> None:
        stage.tempo = replace(stage.tempo, limits=Limits(creations=1))

    async with desk(tmp_path, admins=("tina",), prepare=prepare) as (made, _):
        counter = Counter(made, await browser(made, "tina"))
        name = await counter.message(1)
        assert (await counter.again(name, "outbound")).status == 303
        assert (await counter.again(name, "outbound")).status == 429


async def test_older_ones_are_a_page_further(counter: Counter) -> None:
    names = [await counter.message(number) for number in range(1, 31)]
    seen: list[str] = []
    path = SENT
    for _ in range(2):
        shown = await counter.tina.get(path)
        seen += re.findall(r"/deliveries/(msg_[^/]+)/replay", shown.html)
        older = re.search(r'href="([^"]+cursor[^"]+)">Older', shown.html)
        path = older[1].replace("&amp;", "&") if older else path
    assert seen == names[::-1]
    beyond = await counter.tina.get(f"{SENT}&cursor=AAAAAAAAAAA")
    assert "There are none before" in beyond.text
    assert (await counter.tina.get(f"{PATH}?cursor=x")).status == 400


async def test_it_is_for_operators_alone(counter: Counter) -> None:
    name = await counter.message(1)
    alice = await browser(counter.desk, "alice")
    token = (await alice.get("/settings/keys")).token
    shown = await alice.get(PATH)
    assert shown.status == 403
    assert "Only operators" in shown.text
    assert "Deliveries" not in shown.text.split("This is not for you")[0]
    refused = await alice.post(f"{PATH}/{name}/replay", {"form_token": token})
    assert refused.status == 403
    nobody = await browser(counter.desk)
    assert (await nobody.get(PATH)).location == "/sign-in?next=%2Fdeliveries"
    forged = await counter.tina.post(f"{PATH}/{name}/replay", {"form_token": token})
    assert forged.status == 403


def test_every_end_has_words() -> None:
    assert set(GIVEN_UP) < set(BECAME)
