"""How many files, and so connections, this process may have open."""

from __future__ import annotations

import resource

ENOUGH = 65_536


def allow_many_files() -> None:
    """Take as many as the system allows: many begin with 1,024, which is few for open streams."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
