from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.names import branch_name, short_name


@given(st.text(), st.integers(0, 9))
def test_a_name_can_be_said_and_is_always_the_same(task_id: str, salt: int) -> None:
    name = short_name(task_id.encode(errors="replace").decode(), salt)
    assert re.fullmatch(r"[a-z]+-[a-z]+-[0-9a-f]{3}", name)
    assert name == short_name(task_id.encode(errors="replace").decode(), salt)


def test_names_differ_between_tasks_and_salts() -> None:
    names = {short_name(f"task-{number}", salt) for number in range(500) for salt in range(2)}
    assert len(names) > 990
    assert len({name.split("-")[0] for name in names}) > 150
    assert len({name.split("-")[1] for name in names}) > 150


@pytest.mark.parametrize(
    ("task_id", "salt", "name"),
    [("0199-a", 0, "clean-merlin-7ce"), ("0199-a", 1, "handy-robin-ad1")],
)
def test_names_stay_what_they_were(task_id: str, salt: int, name: str) -> None:
    assert short_name(task_id, salt) == name


def test_a_branch_is_named_after_the_task() -> None:
    assert branch_name("brave-otter-4f2") == "bellhop/brave-otter-4f2"
