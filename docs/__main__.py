"""`make docs`: bring the generated parts of the pages up to date."""

from __future__ import annotations

import json

from docs.generated import HERE, PARTS, fill
from handlers.repo_config import json_schema


def main() -> None:
    """Write every generated part into its page, and the schema of bellhop.yml."""
    for part in PARTS:
        page = HERE / part.page
        page.write_text(fill(page.read_text(), part))
    (HERE / "bellhop.schema.json").write_text(json.dumps(json_schema(), indent=2) + "\n")


if __name__ == "__main__":
    main()
