"""A small repository with a plausible bug, an issue about it, and two people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.model import Issue
    from simulator.pulls import World

REPOSITORY = "acme/widgets"
WRITER = "octo-dev"
VISITOR = "visitor"

README = """# Widgets

Counts the pages a list of widgets needs.

    python -m widgets 21 10
"""

PROGRAM = '''"""How many pages a list of widgets fills."""


def pages(widgets: int, per_page: int) -> int:
    """Return the number of pages for so many widgets."""
    return widgets // per_page
'''

MAIN = """import sys

from widgets.paging import pages

widgets, per_page = (int(argument) for argument in sys.argv[1:3])
print(f"{widgets} widgets need {pages(widgets, per_page)} pages")
"""

TESTS = """from widgets.paging import pages


def test_full_pages() -> None:
    assert pages(20, 10) == 2
"""

FILES = {
    "README.md": README,
    "widgets/__init__.py": "",
    "widgets/__main__.py": MAIN,
    "widgets/paging.py": PROGRAM,
    "tests/test_paging.py": TESTS,
}

TITLE = "The last page is missing"
BODY = """With 21 widgets and 10 on a page, the list says it has 2 pages.
So nobody ever sees widget 21.

```console
$ python -m widgets 21 10
21 widgets need 2 pages
```

I expected 3 pages."""


def seed(world: World) -> Issue:
    """Make the repository with the App installed on it, and return the issue."""
    repository = world.add_repository(REPOSITORY, dict(FILES))
    for login, role in ((WRITER, "write"), (VISITOR, "read")):
        world.add_user(login)
        repository.set_role(login, role)
    world.install(repository)
    return world.open_issue(repository, author=VISITOR, title=TITLE, body=BODY)
