"""How the steps of the set-up look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from yarl import URL

from bot.github.making import NewApp
from bot.http.pages import show
from bot.http.setup_form import LONGEST_NAME, Wish
from bot.manifest import manifest, template
from bot.settings import Problem as Lack
from bot.settings import Settings

PATH = "/setup"
CREATED = f"{PATH}/created"


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong and what to do; `again`: the same address may work a little later."""

    status: int
    happened: str
    remedy: str
    again: bool = False


FORGED = Failure(
    403,
    "This browser has not asked for that App, or what it asked for is used up.",
    "Nothing was stored. If you are setting Bellhop up, begin again; if you did not expect this "
    "page, close it.",
)
NO_CODE = Failure(
    400,
    "GitHub sent no code for an App.",
    "Nothing was stored. Begin again, and create the App on GitHub's page.",
)
REFUSED = Failure(
    502,
    "GitHub does not know this code. It is good for one hour, and once.",
    "Nothing was stored. Begin again. If GitHub lists an App that you do not need now (Settings → "
    "Developer settings → GitHub Apps), delete it there.",
)
SILENT = Failure(
    503,
    "GitHub has made the App, and did not answer when Bellhop asked for its keys.",
    "Nothing is lost for an hour. See that this machine reaches GitHub, then try again.",
    again=True,
)
UNSTORED = Failure(
    503,
    "GitHub has made the App, and Bellhop could not store it: its log says why.",
    "Bellhop keeps it in memory for an hour. Make room on the disk, then try again.",
    again=True,
)


def ask_code(request: web.Request, *, waits: bool, wrong: bool) -> web.Response:
    """Ask for the code of the log; nothing else is shown to somebody without it."""
    return show(request, "setup_code.html", {"waits": waits, "wrong": wrong}, 403 if wrong else 200)


def ask_wish(
    request: web.Request,
    wish: Wish,
    settings: Settings,
    lacks: tuple[Lack, ...],
    wrong: Mapping[str, str],
) -> web.Response:
    """Ask for the public URL, the name and the owner; `wrong` is told beside each field."""
    values = {
        "wish": wish,
        "wrong": wrong,
        "lacks": lacks,
        "fixed": settings.base_url is not None,
        "offline": settings.offline,
        "longest": LONGEST_NAME,
        "local": f"http://127.0.0.1:{settings.port}",
    }
    return show(request, "setup_app.html", values, 422 if wrong else 200)


def confirm(request: web.Request, wish: Wish, github: str, origin: str, state: str) -> web.Response:
    """Show what will be asked of GitHub, and the button that asks."""
    values = {
        "wish": wish,
        "action": f"{github}{wish.path}?state={state}",
        "manifest": manifest(wish.name, wish.public_url, f"{origin}{CREATED}"),
        "github": URL(github).authority if URL(github).explicit_port else URL(github).host,
        "permissions": template()["default_permissions"],
        "events": template()["default_events"],
    }
    answer = show(request, "setup_confirm.html", values)
    policy = answer.headers["Content-Security-Policy"]
    to_github = f"form-action {URL(github).origin()}"
    answer.headers["Content-Security-Policy"] = policy.replace("form-action 'self'", to_github)
    answer.headers["Referrer-Policy"] = "strict-origin"  # with less, GitHub sees the origin `null`
    return answer


def done(request: web.Request, app: NewApp, github: str, lacks: tuple[Lack, ...]) -> web.Response:
    """There is an App: lead to installing it."""
    page = app.page if app.page.startswith(f"{github}/") else f"{github}/apps/{app.slug}"
    values = {"slug": app.slug, "install": f"{page}/installations/new", "lacks": lacks}
    answer = show(request, "setup_done.html", values)
    answer.force_close()  # the next request is for the Bellhop that begins now
    return answer


def failed(request: web.Request, failure: Failure) -> web.Response:
    """Tell what went wrong."""
    again = request.path_qs if failure.again else None
    return show(request, "setup_failed.html", {"failure": failure, "again": again}, failure.status)
