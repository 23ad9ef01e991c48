"""By which names the set-up page may be called, and by whose pages."""

from __future__ import annotations

from aiohttp import hdrs, web
from yarl import URL

from bot.http.problems import Problem
from bot.settings import is_loopback


def origin_of(request: web.Request, base_url: str | None) -> str:
    """The origin that the browser sees, if it is one of ours.

    A page of somebody else's whose name leads to this machine (DNS rebinding) would read what it
    shows; so would whoever finds a tunnel. Hence it has this machine's own names, and the one that
    the operator chose.

    Raises:
        Problem: 421, it is called by another name.
    """
    host = request.host.lower()
    if base_url is not None:
        base = URL(base_url).origin()
        if host in {base.authority.lower(), base.host_port_subcomponent}:
            return str(base)
    try:
        near = is_loopback(f"http://{host}")
    except ValueError:
        near = False
    if not near:
        raise Problem(
            421,
            "Bellhop is set up under a name of its own machine, such as http://127.0.0.1:8080, or "
            "under that of BELLHOP_BASE_URL. Its log has the address.",
            code="wrong_host",
        )
    return f"http://{host}"


def refuse_foreign(request: web.Request, origin: str) -> None:
    """Let only pages of this origin send forms.

    Raises:
        Problem: 403, a page of another site sent it.
    """
    site = request.headers.get("Sec-Fetch-Site")
    sender = request.headers.get(hdrs.ORIGIN)
    good = sender == origin if sender is not None else site is not None
    if not good or site not in {None, "same-origin", "none"}:
        raise Problem(
            403,
            "A page of another site sent this. Open the address that is in Bellhop's log.",
            code="cross_site",
        )
