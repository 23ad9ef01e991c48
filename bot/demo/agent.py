"""The demonstration's coding agent: a script that knows one bug and mends it.

It is run by its path and sees nothing but the standard library and the checkout it stands in. A
prompt that ends with a question mark is answered, any other is work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

PROGRAM, TESTS = Path("widgets/paging.py"), Path("tests/test_paging.py")
WRONG, RIGHT = "return widgets // per_page", "return -(-widgets // per_page)"
TEST = """

def test_last_page_is_partly_filled() -> None:
    assert pages(21, 10) == 3
"""
TITLE = "Count the last page, even if it is not full"
MENDED = """`pages` rounded down, so the last, partly filled page was never counted.
It rounds up now, and a test says so: 21 widgets with 10 on a page need 3 pages."""
NOTHING = "`pages` rounds up already, so there is nothing to mend."
ANSWER = """`pages` in `widgets/paging.py` divides with `//`, which rounds down: 21 widgets with
10 on a page become 2 pages, and the last one is missing. `/fix` mends it."""


def main() -> None:
    """Read the prompt, think for as many seconds as the only argument says, and do it."""
    prompt = sys.stdin.read().strip().partition("\n")[0]
    _say(f"Asked for: {prompt or 'whatever the issue says'}")
    _say("Reading widgets/paging.py")
    time.sleep(float(sys.argv[1]))
    if prompt.endswith("?"):
        _result("An answer", ANSWER)
    elif WRONG not in PROGRAM.read_text():
        _result("Nothing to do", NOTHING)
    else:
        _try()
        _mend()
        _try()
        _result(TITLE, MENDED)


def _mend() -> None:
    _say("Rounding up instead of down, and adding a test")
    PROGRAM.write_text(PROGRAM.read_text().replace(WRONG, RIGHT))
    with TESTS.open("a") as file:
        file.write(TEST)


def _try() -> None:
    """Run the program as the issue does, leaving nothing behind."""
    command = [sys.executable, "-B", "-m", "widgets", "21", "10"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  a fixed command
    _say(f"$ python -m widgets 21 10\n{said.stdout.strip()}")


def _result(title: str, summary: str) -> None:
    text = json.dumps({"title": title, "summary": summary})
    Path(os.environ["BELLHOP_RESULT_FILE"]).write_text(text)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  an agent's output is its log


if __name__ == "__main__":
    main()
