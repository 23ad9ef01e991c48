"""The image's entry point, beside programs that stand in for those of the image."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from docs.generated import HERE

ENTRYPOINT = HERE.parent / "deploy" / "entrypoint"


def run(folder: Path, user: int, **settings: str) -> list[str]:
    """What it does, with `$DATA` for the data folder."""
    beside, data = folder / "bin", folder / "data"
    beside.mkdir()
    programs = {
        "id": f"echo {user}",
        "chown": 'echo "chown $@"',
        "find": 'echo "find $@"',
        "setpriv": 'echo "setpriv $@"',
        "bellhop": 'echo "bellhop $@"',
    }
    for name, text in programs.items():
        (beside / name).write_text(f"#!/bin/sh\n{text}\n")
        (beside / name).chmod(0o755)
    environment = {"PATH": f"{beside}:{os.environ['PATH']}", "BELLHOP_DATA": str(data), **settings}
    done = subprocess.run(
        [ENTRYPOINT, "serve", "a b"], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.replace(str(data), "$DATA").splitlines()


def test_whoever_is_not_root_runs_it_as_it_is(tmp_path: Path) -> None:
    assert run(tmp_path, 10001) == ["bellhop serve a b"]
    assert not (tmp_path / "data").exists()


def test_root_stays_root_where_workers_are_somebody_else(tmp_path: Path) -> None:
    assert run(tmp_path, 0, BELLHOP_WORKER_USER="worker") == ["bellhop serve a b"]
    assert _mode(tmp_path / "data") == _mode(tmp_path / "data" / "workers") == 0o711


def test_root_becomes_the_bots_user_to_whom_all_then_belongs(tmp_path: Path) -> None:
    assert run(tmp_path, 0) == [
        "find $DATA -maxdepth 1 ! -type l ! -user bellhop -exec chown -h bellhop: {} +",
        "chown bellhop: $DATA/workers",
        "setpriv --reuid=bellhop --regid=bellhop --init-groups bellhop serve a b",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_left_behind_is_given_away_and_nothing_that_a_link_leads_to(
    tmp_path: Path,
) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    data.mkdir()
    elsewhere.write_text("root's own")
    (data / "bellhop.db").write_text("restored")
    (data / "link").symlink_to(elsewhere)
    line = next(one for one in ENTRYPOINT.read_text().splitlines() if one.startswith("find "))
    script = line.replace("bellhop", "nobody")
    subprocess.run(["sh", "-c", f"data={data}; {script}"], check=True)
    owner = (data / "bellhop.db").stat().st_uid
    assert owner != 0
    assert data.stat().st_uid == owner
    assert elsewhere.stat().st_uid == 0
    assert (data / "link").lstat().st_uid == 0


def _mode(folder: Path) -> int:
    return folder.stat().st_mode & 0o777
