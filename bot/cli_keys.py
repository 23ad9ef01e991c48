"""`bellhop keys` and `bellhop webhook-secrets`: what needs no sign-in, for whoever has the data."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated

import typer

from bot.beside import Beside
from bot.command import Refused
from bot.github.errors import GitHubError
from bot.github.errors import Refused as Refusal
from bot.github.values import RepoRef
from bot.key_desk import LONGEST_NAME, TOO_MANY, TooManyKeys
from bot.keys import SCOPES
from bot.terminal import note, say
from handlers.options import parse_duration
from handlers.values import Person

keys = typer.Typer(help="Make, list and end API keys.", no_args_is_help=True)
webhook_secrets = typer.Typer(
    help="Make, list and end the secrets that outbound webhooks are signed with.",
    no_args_is_help=True,
)

Owner = Annotated[str, typer.Option("--owner", help="The login on GitHub that it is for.")]
AnyOwner = Annotated[str | None, typer.Option("--owner", help="Only those of this login.")]
Number = Annotated[str, typer.Argument(help="The id, as `list` tells it.")]

_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})")


LONGEST_LIFE = timedelta(days=36_500)


Runner = Callable[[Callable[[Beside], Awaitable[None]]], None]


def register(app: typer.Typer, run: Runner) -> None:
    """Add the commands; `run` opens the database and tells what went wrong."""
    app.add_typer(keys, name="keys")
    app.add_typer(webhook_secrets, name="webhook-secrets")
    _add_keys(run)
    _add_webhook_secrets(run)


def _add_keys(run: Runner) -> None:  # noqa: C901 - one function a command
    @keys.command("create")
    def create_key(
        owner: Owner,
        name: Annotated[str, typer.Option(help="What it is for.")] = "made on the command line",
        scope: Annotated[
            list[str] | None, typer.Option(help=f"{' or '.join(SCOPES)}; both if not given.")
        ] = None,
        expires: Annotated[
            str | None,
            typer.Option(help="After how long it ends, such as 90d; else never."),
        ] = None,
    ) -> None:
        """Make an API key and print it, this once.

        The key alone is on standard output, so that a script can take it from there.
        """
        scopes, title = _scopes(scope), _title(name)
        lives = _lifetime(expires)

        async def work(place: Beside) -> None:
            person = await _person(place, owner)
            ends = place.clock() + lives if lives else None
            try:
                made = await place.desk.new_key(person, title, scopes, ends)
            except TooManyKeys as error:
                raise Refused(f"{error} `bellhop keys revoke` does it.") from None
            note(f"A key of {person.login}'s, {_until(ends)}. It is shown only now:")
            say(made.secret)

        run(work)

    @keys.command("list")
    def list_keys(owner: AnyOwner = None) -> None:
        """List API keys, without what opens anything."""

        async def work(place: Beside) -> None:
            person = await _person(place, owner) if owner else None
            found = await place.store.people.keys_of(person.id if person else None)
            for key in found:
                used = f"used {key.used_at:%Y-%m-%d %H:%M}" if key.used_at else "never used"
                scopes = " ".join(sorted(key.scopes))
                say(f"{key.id}  {key.prefix}…  {key.owner.login}  {scopes}")
                say(f"    {key.name}, {_until(key.expires_at)}, {used}")
            if not found:
                note("There is no key. `bellhop keys create --owner LOGIN` makes one.")

        run(work)

    @keys.command("revoke")
    def revoke_key(number: Number) -> None:
        """End an API key, at once."""

        async def work(place: Beside) -> None:
            if not await place.store.people.drop_key(number):
                raise Refused("There is no key of this id. `bellhop keys list` lists them.")
            note("It opens nothing any more.")

        run(work)


def _add_webhook_secrets(run: Runner) -> None:  # noqa: C901 - one function a command
    @webhook_secrets.command("create")
    def create_secret(owner: Owner) -> None:
        """Make a webhook secret and print it, this once, alone on standard output."""

        async def work(place: Beside) -> None:
            person = await _person(place, owner)
            made = await place.desk.new_webhook_secret(person)
            if made is None:
                raise Refused(f"{TOO_MANY} `bellhop webhook-secrets revoke` does it.")
            note(f"A webhook secret of {person.login}'s. It is shown only now:")
            say(made.secret)

        run(work)

    @webhook_secrets.command("list")
    def list_secrets(owner: Owner) -> None:
        """List somebody's webhook secrets, without their text."""

        async def work(place: Beside) -> None:
            person = await _person(place, owner)
            found = await place.store.people.webhook_secrets_of(person.id)
            for one in found:
                say(f"{one.id}  …{one.last4}  made {one.created_at:%Y-%m-%d %H:%M}")
            if not found:
                note("There is none. `bellhop webhook-secrets create --owner LOGIN` makes one.")

        run(work)

    @webhook_secrets.command("revoke")
    def revoke_secret(number: Number) -> None:
        """End a webhook secret: nothing is signed with it any more."""

        async def work(place: Beside) -> None:
            if not await place.store.people.drop_webhook_secret(number):
                raise Refused(
                    "There is no secret of this id. `bellhop webhook-secrets list` lists them."
                )
            note("Nothing is signed with it any more.")

        run(work)


async def _person(place: Beside, login: str) -> Person:
    if not _LOGIN.fullmatch(login):
        raise Refused(f"{login!r} is no login. Give the name of a GitHub account, without @.")
    try:
        person = await _asked(place, login)
    except GitHubError as error:
        raise Refused(
            f"GitHub does not say who {login} is: {error}. Try again. A GitHub Enterprise Server "
            "in private mode tells it only to an installation that Bellhop knows, from its first "
            "task on."
        ) from error
    if person is None:
        raise Refused(f"GitHub knows no person called {login}. Check the spelling.")
    return person


async def _asked(place: Beside, login: str) -> Person | None:
    """Ask as anybody; where that is refused, in the name of some repository with tasks."""
    try:
        return await place.github.person(login)
    except Refusal:
        known = await place.store.lists.places()
        if not known:
            raise
        one = known[0]
        repo = RepoRef(one.installation_id, one.repository_id, one.full_name)
        return await place.github.person(login, repo)


def _scopes(given: list[str] | None) -> frozenset[str]:
    scopes = frozenset(given or SCOPES)
    if unknown := sorted(scopes - set(SCOPES)):
        raise typer.BadParameter(f"there is no scope {unknown[0]}; use {' or '.join(SCOPES)}")
    return scopes


def _title(text: str) -> str:
    title = text.strip()
    if not 0 < len(title) <= LONGEST_NAME:
        raise typer.BadParameter(f"give a name of 1 to {LONGEST_NAME} characters")
    return title


def _lifetime(text: str | None) -> timedelta | None:
    if text is None:
        return None
    seconds = parse_duration(text)
    if not seconds or seconds > LONGEST_LIFE.total_seconds():
        raise typer.BadParameter(
            f"{text!r} is no time such as 90d or 12h, of {LONGEST_LIFE.days} days at most"
        )
    return timedelta(seconds=seconds)


def _until(time: datetime | None) -> str:
    return f"good until {time:%Y-%m-%d %H:%M} UTC" if time else "good until it is revoked"
