"""The small parts of the bot, each by itself."""

from __future__ import annotations

import json
import logging
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot import log, startup
from bot.losses import LAST, tell_if_lost
from bot.redact import redact
from bot.runners.base import WorkerKey
from bot.secret_key import load_or_make_key
from bot.settings import BadSettings, Settings, is_loopback, load
from bot.vault import Vault, WrongKey
from bot.worker_tokens import WorkerTokens
from handlers.decision import Decision
from handlers.task import Status
from handlers.values import ErrorCode, TaskError
from tests.github_support import private_key
from tests.makers import task_in

TASK = "01a200a0-0ddb-71c1-ae1e-ede9764f911c"
KEY = WorkerKey(TASK, 2, 3)


def test_a_worker_token_names_its_launch() -> None:
    tokens = WorkerTokens(b"key")
    assert tokens.read(tokens.make(KEY)) == KEY
    assert tokens.make(KEY) == tokens.make(KEY)


def test_a_worker_token_of_another_key_is_none() -> None:
    assert WorkerTokens(b"other").read(WorkerTokens(b"key").make(KEY)) is None


@given(st.text(max_size=120))
def test_nothing_made_up_is_a_worker_token(text: str) -> None:
    tokens = WorkerTokens(b"key")
    assert tokens.read(text) is None
    assert tokens.read(f"bhw_{text}") is None


@given(st.integers(min_value=0, max_value=90), st.characters(codec="ascii"))
def test_a_changed_worker_token_is_none_or_the_same(place: int, char: str) -> None:
    tokens = WorkerTokens(b"key")
    token = tokens.make(KEY)
    changed = token[:place] + char + token[place + 1 :]
    # The last digit of base64 has bits that mean nothing; there may be two spellings of one token.
    assert tokens.read(changed) in ({None, KEY} if place >= len(token) - 2 else {None}) or (
        changed == token
    )


def test_the_vault_gives_back_what_it_sealed() -> None:
    vault = Vault(b"k" * 32)
    sealed = vault.seal("ghs_secret")
    assert b"ghs_secret" not in sealed
    assert vault.unseal(sealed) == "ghs_secret"
    with pytest.raises(WrongKey, match="BELLHOP_SECRET_KEY"):
        Vault(b"x" * 32).unseal(sealed)


def test_markers_are_signed_with_a_key_of_their_own() -> None:
    one, other = Vault(b"k" * 32), Vault(b"x" * 32)
    assert one.sign("a") == one.sign("a")
    assert len({one.sign("a"), one.sign("b"), other.sign("a")}) == 3
    assert one.worker_key != other.worker_key


def test_the_secret_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    key = load_or_make_key(path)
    assert len(key) == 32
    assert load_or_make_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "secret",
    [
        "ghs_4711_" + "aB-." * 100,
        "ghp_" + "a" * 36,
        "github_pat_" + "a" * 30,
        "bhw_" + "A-_=" * 12,
        "whsec_" + "a" * 32,
        "sk-ant-" + "a" * 40,
        "AIza" + "a-_" * 12,
        "AQ." + "a-_" * 12,
        "gsk_" + "a" * 40,
        "xai-" + "a" * 40,
        "fm2_" + "aB+/" * 10,
        "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\ncut off",
    ],
)
def test_secrets_are_redacted(secret: str) -> None:
    assert redact(f"before {secret}") == "before ***"


def test_what_is_no_secret_stays() -> None:
    assert redact("a sk-short one and bhw_x, FAQ.md") == "a sk-short one and bhw_x, FAQ.md"


@pytest.mark.parametrize(
    "before", ["=", '"', "\n", r"\n", r"\u00a0", "%3D", "\x1b[32m", "\x1b[m", "_"]
)
def test_a_key_is_found_after_what_may_stand_before_one(before: str) -> None:
    for begins in ("sk-", "AQ."):
        assert redact(f"{before}{begins}{'a' * 40}") == f"{before}***"


def test_words_that_end_like_the_beginning_of_a_key_stay() -> None:
    text = "Adds docs/task-list-of-the-whole-team.md and risk-assessment-for-new-users."
    assert redact(text) == text


def test_a_key_file_that_holds_no_key_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    for text in ("", "c2hvcnQ=", "not base64 at all!"):
        path.write_text(text)
        with pytest.raises(WrongKey, match="holds no secret key"):
            load_or_make_key(path)


def test_console_logs_show_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up("info", "console")
    try:
        token = "ghp_" + "a" * 36
        secret = f"in a variable {token}"
        try:
            int(secret)
        except ValueError:
            structlog.get_logger().exception("failed", nested={"token": token})
        logging.getLogger("elsewhere").warning("said %s", token)
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert "in a variable ***" in said
    assert token not in said


def test_logs_are_redacted_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up("info", "json")
    try:
        logger = structlog.get_logger()
        logger.info("token", value="ghp_" + "a" * 36, number=1)
        logger.debug("too quiet")
        try:
            int("with bhw_" + "A" * 40)
        except ValueError:
            logger.exception("failed")
    finally:
        structlog.reset_defaults()
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["event"], first["value"], first["number"], first["level"]) == (
        "token",
        "***",
        1,
        "info",
    )
    assert "bhw_AAAA" not in second["exception"]


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost", True),
        ("http://[::1]:1", True),
        ("http://10.0.0.1", False),
        ("https://github.com", False),
        ("http://localhost.example.org", False),
    ],
)
def test_loopback(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def offline(**more: object) -> Settings:
    values: dict[str, object] = {
        "app_id": 1,
        "webhook_secret": SecretStr("s"),
        "private_key": SecretStr(private_key()),
        "github_api_url": "http://127.0.0.1:1/api",
        "github_url": "http://127.0.0.1:1",
        "agent_command": "true",
    }
    return Settings.model_validate(values | more)


@pytest.mark.parametrize(
    ("more", "pages"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"github_url": "https://github.com", "github_api_url": "https://api.github.com"}, ""),
        (
            {
                "github_url": "https://github.com",
                "github_api_url": "https://api.github.com",
                "base_url": "https://bellhop.test/",
            },
            "https://bellhop.test",
        ),
    ],
)
def test_comments_lead_to_pages_that_their_readers_find(
    more: dict[str, object], pages: str
) -> None:
    assert offline(**more).rules("bellhop").pages_url == pages


def test_good_settings_have_no_problems() -> None:
    assert startup.problems(offline()) == ()


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"app_id": None}, "BELLHOP_APP_ID"),
        ({"webhook_secret": None}, "BELLHOP_WEBHOOK_SECRET"),
        ({"private_key": None}, "BELLHOP_PRIVATE_KEY_FILE"),
        ({"private_key": None, "private_key_file": "nowhere.pem"}, "BELLHOP_PRIVATE_KEY_FILE"),
        ({"private_key": SecretStr("pem")}, "BELLHOP_PRIVATE_KEY"),
        ({"private_key": None, "private_key_file": __file__}, "BELLHOP_PRIVATE_KEY_FILE"),
        ({"worker_user": "no-such-user"}, "BELLHOP_WORKER_USER"),
        ({"runner": "moon"}, "BELLHOP_RUNNERS"),
        ({"agents": "command,oracle"}, "BELLHOP_AGENTS"),
        ({"agent_command": None}, "BELLHOP_AGENT_COMMAND"),
        ({"github_url": "https://github.com"}, "BELLHOP_RUNNER"),
        ({"worker_url": "http://bellhop.example.org"}, "BELLHOP_WORKER_URL"),
        ({"worker_user": "root"}, "BELLHOP_WORKER_USER"),
        ({"secret_key": SecretStr("short")}, "BELLHOP_SECRET_KEY"),
        ({"secret_key_file": "nowhere.key"}, "BELLHOP_SECRET_KEY_FILE"),
        (
            {"secret_key_file": str(Path(__file__).with_name("__init__.py"))},
            "BELLHOP_SECRET_KEY_FILE",
        ),
        (
            {"github_url": "http://ghes.example.org", "unsafe_process_runner": True},
            "BELLHOP_GITHUB_URL",
        ),
    ],
)
def test_problems_name_their_setting(change: dict[str, object], setting: str) -> None:
    assert [one.setting for one in startup.problems(offline(**change))] == [setting]


def test_problems_are_told_all_at_once() -> None:
    found = startup.problems(Settings.model_validate({}))
    assert len(found) == 5
    text = str(BadSettings(found))
    assert all(one.setting in text for one in found)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            {"worker_user": "nobody", "github_url": "https://github.com"},
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user"),
        ),
        {"unsafe_process_runner": True, "github_url": "https://github.com"},
        {"worker_url": "http://10.0.0.1", "allow_http_workers": True},
        {"worker_url": "https://bellhop.example.org"},
    ],
)
def test_ways_out(change: dict[str, object]) -> None:
    assert startup.problems(offline(**change)) == ()


def test_settings_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("BELLHOP_PORT=9000\nBELLHOP_HOST=0.0.0.0\n")
    monkeypatch.setenv("BELLHOP_PORT", "9001")
    monkeypatch.setenv("BELLHOP_AGENTS", "command, other ,")
    monkeypatch.setenv("BELLHOP_BASE_URL", "https://bell.example.org/")
    settings = load()
    assert (settings.port, settings.host) == (9001, "0.0.0.0")
    assert settings.agents == ("command", "other")
    assert settings.rules("x").agents == ("command", "other")
    assert settings.public_url == settings.workers_url == "https://bell.example.org"


def test_wrong_settings_are_told_all_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BELLHOP_PORT", "many")
    monkeypatch.setenv("BELLHOP_MAX_COST", "-1")
    monkeypatch.setenv("BELLHOP_DAILY_COST_PER_REPOSITORY", "0")
    monkeypatch.setenv("BELLHOP_DAILY_COST_PER_OWNER", "inf")
    monkeypatch.setenv("BELLHOP_BASE_URL", "ftp://bell")
    monkeypatch.setenv("BELLHOP_LOG_LEVEL", "loud")
    with pytest.raises(BadSettings) as caught:
        load()
    assert {one.setting: one.detail for one in caught.value.problems} == {
        "BELLHOP_BASE_URL": "give an http or https URL without user, password and query.",
        "BELLHOP_PORT": "give a whole number, without a unit.",
        "BELLHOP_MAX_COST": "give more than 0.",
        "BELLHOP_DAILY_COST_PER_REPOSITORY": "give more than 0.",
        "BELLHOP_DAILY_COST_PER_OWNER": "give a number that has an end, or leave it out.",
        "BELLHOP_LOG_LEVEL": "give one of 'debug', 'info', 'warning' or 'error'.",
    }
    assert caught.value.rest is not None
    assert caught.value.rest.port == 8080, "what can be looked at further is"


def test_a_key_in_one_line_or_in_a_file(tmp_path: Path) -> None:
    one_line = offline(private_key=SecretStr("a\\nb"))
    assert startup.private_key(one_line) == "a\nb"
    path = tmp_path / "key.pem"
    path.write_text("c\n")
    assert startup.private_key(offline(private_key=None, private_key_file=path)) == "c\n"


def test_addresses_of_ipv6_hosts() -> None:
    assert offline(host="::1", port=1).public_url == "http://[::1]:1"
    assert datetime.now(UTC).tzinfo is UTC


@pytest.mark.parametrize("loss", [ErrorCode.WORKER_LOST, ErrorCode.TIMEOUT])
def test_the_last_words_of_a_lost_worker_are_for_the_log(loss: ErrorCode) -> None:
    failed = task_in(Status.FAILED, error=TaskError(loss, "it failed"))
    with capture_logs() as logs:
        tell_if_lost(Decision(), code=1, last="nothing was decided")
        tell_if_lost(Decision(failed), code=1, last="x" * LAST + "No module named worker")
    assert [one["event"] for one in logs] == ["worker lost"] * (loss is ErrorCode.WORKER_LOST)
    assert all(one["last"].endswith("No module named worker") for one in logs)
    assert all(len(one["last"]) == LAST for one in logs)
