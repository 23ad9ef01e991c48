from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.receive import NotSent, read, send
from bot.settings import Settings
from tests.bot_processes import bellhop
from tests.ports import free_port
from tests.story import Stage, staged


def recorded(stage: Stage, folder: Path) -> Path:
    """The last delivery of GitHub's, as a file."""
    file = folder / "payload.json"
    file.write_bytes(stage.sim.deliveries[-1].body)
    return file


async def test_a_recorded_delivery_is_taken_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.comments("visitor", "Is it /fix?")
        stage.comments("alice", "/help")
        await stage.quiet()
        file = recorded(stage, tmp_path)
        sent = read(file, "issue_comment", None)
        first = await send(sent, stage.settings, None)
        assert first.good
        assert json.loads(first.text)["delivery"] == sent.delivery
        again = await send(sent, stage.settings, None)
        assert json.loads(again.text)["outcome"] in {"duplicate", "ignored"}


async def test_a_wrong_secret_is_refused(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        file = tmp_path / "payload.json"
        file.write_text("{}")
        wrong = stage.settings.model_copy(update={"webhook_secret": SecretStr("another")})
        answer = await send(read(file, "issues", "d-1"), wrong, None)
        assert answer.status == 401
        assert not answer.good


@pytest.mark.parametrize("delivery", [None, "72d3162e-cc78-11e3-81ab-4c9367dc0958"])
def test_a_delivery_has_an_id_of_its_own_or_the_given_one(
    tmp_path: Path, delivery: str | None
) -> None:
    file = tmp_path / "payload.json"
    file.write_bytes(b'{"a":  1}')
    one, other = read(file, "issues", delivery), read(file, "issues", delivery)
    assert one.body == b'{"a":  1}'
    assert (one.delivery == other.delivery) == (delivery is not None)


async def test_what_cannot_be_sent_says_why(tmp_path: Path) -> None:
    file = tmp_path / "payload.json"
    file.write_text("{}")
    secret = Settings.model_validate({"webhook_secret": SecretStr("s"), "port": free_port()})
    none = Settings.model_validate({})
    with pytest.raises(NotSent, match=r"No such file.*Give a file"):
        read(tmp_path / "absent.json", "issues", None)
    with pytest.raises(NotSent, match="BELLHOP_WEBHOOK_SECRET"):
        await send(read(file, "issues", None), none, None)
    with pytest.raises(NotSent, match="bellhop serve"):
        await send(read(file, "issues", None), secret, None)
    with pytest.raises(NotSent, match="is no URL"):
        await send(read(file, "issues", None), secret, "nowhere")


async def test_the_command_prints_status_and_answer(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.comments("alice", "nothing to do")
        await stage.quiet()
        file = recorded(stage, tmp_path)
        secret = {"BELLHOP_WEBHOOK_SECRET": stage.sim.app.webhook_secret}
        url = f"{stage.settings.public_url}/api/v1/webhooks/github"
        arguments = ("receive", str(file), "--event", "issue_comment", "--delivery", "d-7")
        code, output, _ = await bellhop(tmp_path, *arguments, "--url", url, **secret)
        status, _, answer = output.partition(" ")
        assert (code, status) == (0, "200")
        assert json.loads(answer) == {"delivery": "d-7", "outcome": "ignored"}
        secret["BELLHOP_WEBHOOK_SECRET"] = "wrong"
        code, output, _ = await bellhop(tmp_path, *arguments, "--url", url, **secret)
        assert code == 1
        assert output.startswith("401 ")


async def test_the_command_fails_with_a_reason(tmp_path: Path) -> None:
    code, output, errors = await bellhop(tmp_path, "receive", "absent.json", "--event", "issues")
    assert (code, output) == (1, "")
    assert errors == "absent.json cannot be read: No such file or directory. Give a file of JSON.\n"
