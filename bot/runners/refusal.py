"""When workers on this machine are too close to the bot's own secrets."""

from __future__ import annotations


def refusal(*, github_is_simulator: bool, worker_user: str | None, unsafe: bool) -> str | None:
    """Why the process runner must not be used as it is set up, or None where it may.

    A worker runs an agent on text that strangers may have written. As the bot's own user it could
    read the bot's database and keys, which is fine only where nothing real is behind them.
    """
    if github_is_simulator or worker_user or unsafe:
        return None
    return (
        "The process runner would run agents as Bellhop's own user, who can read Bellhop's keys "
        "and database. Either set BELLHOP_WORKER_USER to another system user to run them as "
        "(Bellhop then has to run as root), or set BELLHOP_UNSAFE_PROCESS_RUNNER=1 to accept this "
        "on a machine that is only yours."
    )
