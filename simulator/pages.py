"""Pages to look at the place: its repositories, an issue with a comment box, a pull request."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from simulator.markdown import render
from simulator.model import ROLES, PullRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.backend import Backend
    from simulator.model import Comment, Issue, Reaction, Repository, User

EMOJI = {
    "+1": "👍",
    "-1": "👎",
    "laugh": "😄",
    "confused": "😕",
    "heart": "❤️",
    "hooray": "🎉",
    "rocket": "🚀",
    "eyes": "👀",
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; form-action 'self'"

STYLE = """
:root {
  color-scheme: light dark;
  --line: color-mix(in srgb, currentColor 18%, transparent);
  --soft: color-mix(in srgb, currentColor 6%, transparent);
  --quiet: color-mix(in srgb, currentColor 65%, transparent);
}
* { box-sizing: border-box }
body {
  margin: 0 auto; max-width: 48rem; padding: 1rem;
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0 }
h1 small, .quiet { color: var(--quiet); font-weight: normal }
nav, .state, header { font-size: .9rem }
a { color: light-dark(#0550ae, #79b8ff) }
.state { display: inline-block; padding: .1rem .75rem; border-radius: 1rem; color: #fff }
.open { background: #1a7f37 }
.closed { background: #8250df }
article, form { border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0 }
article > header {
  padding: .5rem 1rem; background: var(--soft); border-bottom: 1px solid var(--line);
}
.body, form { padding: .75rem 1rem }
.body { overflow-x: auto }
table { overflow-wrap: normal }
.body > :first-child { margin-top: 0 }
.body > :last-child { margin-bottom: 0 }
.reactions { padding: 0 1rem .75rem }
.reactions span { border: 1px solid var(--line); border-radius: 1rem; padding: .1rem .6rem }
pre { overflow-x: auto; padding: .75rem; background: var(--soft); border-radius: .4rem }
code { font-family: ui-monospace, monospace; font-size: .85rem }
.add { color: light-dark(#116329, #56d364) }
.del { color: light-dark(#a40e26, #ff7b72) }
textarea { width: 100%; min-height: 6rem; font: inherit; padding: .5rem }
input, select, button { font: inherit; padding: .35rem .8rem }
label { display: block; margin: .5rem 0 .25rem }
.row {
  display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; justify-content: space-between;
}
ul.list { list-style: none; padding: 0 }
ul.list li { padding: .6rem 0; border-bottom: 1px solid var(--line) }
"""


def add_routes(application: web.Application, backend: Backend) -> None:
    """Serve the pages."""
    pages = Pages(backend)
    application.router.add_get("/", pages.home)
    application.router.add_get("/{owner}/{repo}", pages.repository)
    for kind in ("issues", "pull"):
        place = f"/{{owner}}/{{repo}}/{kind}/{{number:\\d+}}"
        application.router.add_get(place, pages.thread)
        application.router.add_post(place, pages.write)


def page(title: str, *parts: str, policy: str = POLICY, status: int = 200) -> web.Response:
    """A page of these parts, which are HTML."""
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
    )
    text = head + "".join(parts) + "</body></html>"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def leads_to(url: str | None) -> str:
    """A page's policy: browsers hold the redirect after a form to it, too."""
    if url is None:
        return POLICY
    parts = urlsplit(url)
    return POLICY.replace(
        "form-action 'self'", f"form-action 'self' {parts.scheme}://{parts.netloc}"
    )


def _missing(what: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"There is no {what} here. Begin at / to see what there is.")


class Pages:
    """The handlers of the pages."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def home(self, request: web.Request) -> web.Response:
        """Show the repositories."""
        del request
        found = [one for one in self._backend.world.repositories.values() if not one.deleted]
        items = [f"<li>{_link(f'/{one.full_name}', one.full_name)}</li>" for one in found]
        intro = '<p class="quiet">An offline GitHub: everything here is made up and stays here.</p>'
        return page("Repositories", "<h1>Repositories</h1>", intro, _list(items))

    async def repository(self, request: web.Request) -> web.Response:
        """Show a repository's issues and pull requests."""
        found = self._repository(request)
        issues = [_item(one) for one in reversed(found.issues) if not one.deleted]
        pulls = [_item(one) for one in reversed(found.pulls)]
        clone = f"{self._backend.world.site.web}/{found.full_name}.git"
        return page(
            found.full_name,
            f'<nav><a href="/">Repositories</a></nav><h1>{escape(found.full_name)}</h1>',
            f'<p class="quiet">Clone it: <code>{escape(clone)}</code></p>',
            "<h2>Issues</h2>",
            _list(issues),
            "<h2>Pull requests</h2>",
            _list(pulls),
        )

    async def thread(self, request: web.Request) -> web.Response:
        """Show an issue or a pull request with its comments."""
        found = self._thread(request)
        title = f"{escape(found.title)} <small>#{found.number}</small>"
        place = found.repository.full_name
        comments = [_comment(one) for one in found.comments]
        return page(
            f"{found.title} #{found.number}",
            f"<nav>{_link(f'/{place}', place)}</nav><h1>{title}</h1>",
            self._facts(found),
            _entry(found.user, found.created_at.isoformat(), found.body or "", found.reactions),
            *comments,
            _diff(found) if isinstance(found, PullRequest) else "",
            self._form(found),
        )

    async def write(self, request: web.Request) -> web.Response:
        """Take a comment from the form."""
        # Another site's page must not comment through somebody's browser.
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise web.HTTPForbidden(text="Write the comment on the page itself.")
        found = self._thread(request)
        form = await request.post()
        author = self._backend.world.users.get(str(form.get("user", "")).lower())
        body = str(form.get("body", "")).replace("\r\n", "\n")
        if author is None or not body.strip():
            raise web.HTTPBadRequest(text="Go back, choose who writes, and write something.")
        made = self._backend.world.comment(found, author=author, body=body)
        raise web.HTTPSeeOther(f"{request.path}#issuecomment-{made.id}")

    def _repository(self, request: web.Request) -> Repository:
        names = request.match_info
        found = self._backend.world.find(f"{names['owner']}/{names['repo']}")
        if found is None:
            raise _missing("repository")
        return found

    def _thread(self, request: web.Request) -> Issue:
        repository = self._repository(request)
        found = repository.threads.get(int(request.match_info["number"]))
        if found is None or found.deleted:
            raise _missing("issue")
        return found

    def _facts(self, found: Issue) -> str:
        state = f'<span class="state {found.state}">{_state(found)}</span>'
        if isinstance(found, PullRequest):
            sides = (
                f"{escape(found.user.login)} wants to merge <code>{escape(found.head_label)}</code>"
                f" into <code>{escape(found.base_branch)}</code>"
            )
            closes = self._backend.world.closing_references(found)
            return f"<p>{state} {sides}{_linked('Closes', closes)}</p>"
        pulls = self._backend.world.closing_pulls(found)
        opened = f'<span class="quiet">{escape(found.user.login)} opened this issue</span>'
        return f"<p>{state} {opened}{_linked('To be closed by', pulls)}</p>"

    def _form(self, found: Issue) -> str:
        people = [user for user in self._backend.world.users.values() if user.kind == "User"]
        # Those who may do most come first: they are who a newcomer wants to speak as.
        people.sort(key=lambda one: ROLES.index(found.repository.role(one).base), reverse=True)
        options = "".join(
            f'<option value="{escape(one.login)}">{escape(one.login)} '
            f"({escape(found.repository.role(one).name)})</option>"
            for one in people
        )
        return (
            '<form method="post"><label for="body">Comment</label>'
            '<textarea id="body" name="body" required placeholder="/fix …"></textarea>'
            '<div class="row"><div><label for="user">as</label>'
            f'<select id="user" name="user">{options}</select></div>'
            "<button>Comment</button></div></form>"
        )


def _link(path: str, text: str) -> str:
    return f'<a href="{escape(path)}">{escape(text)}</a>'


def _list(items: list[str]) -> str:
    return f'<ul class="list">{"".join(items)}</ul>' if items else '<p class="quiet">None yet.</p>'


def _path(found: Issue) -> str:
    kind = "pull" if isinstance(found, PullRequest) else "issues"
    return f"/{found.repository.full_name}/{kind}/{found.number}"


def _state(found: Issue) -> str:
    merged = isinstance(found, PullRequest) and found.merged_at
    return "Merged" if merged else found.state.capitalize()


def _item(found: Issue) -> str:
    about = f"#{found.number} by {escape(found.user.login)}, {_state(found).lower()}"
    return f'<li>{_link(_path(found), found.title)}<br><span class="quiet">{about}</span></li>'


def _linked(word: str, others: Iterable[Issue]) -> str:
    links = [_link(_path(other), f"#{other.number}") for other in others]
    return f'<br><span class="quiet">{word}</span> {", ".join(links)}' if links else ""


def _comment(found: Comment) -> str:
    written = found.created_at.isoformat()
    anchor = f"issuecomment-{found.id}"
    return _entry(found.user, written, found.body, found.reactions, anchor)


def _entry(
    user: User, written: str, body: str, reactions: list[Reaction], anchor: str = "top"
) -> str:
    kind = ' <span class="quiet">bot</span>' if user.kind == "Bot" else ""
    time = f'<time class="quiet" datetime="{written}">{written[:16].replace("T", " ")}</time>'
    text = render(body) if body.strip() else '<p class="quiet">No description.</p>'
    return (
        f'<article id="{anchor}"><header>'
        f"<strong>{escape(user.login)}</strong>{kind} {time}</header>"
        f'<div class="body">{text}</div>{_reactions(reactions)}</article>'
    )


def _reactions(reactions: list[Reaction]) -> str:
    counts: dict[str, int] = {}
    for reaction in reactions:
        counts[reaction.content] = counts.get(reaction.content, 0) + 1
    shown = [f"<span>{EMOJI[content]} {count}</span>" for content, count in counts.items()]
    return f'<div class="reactions">{" ".join(shown)}</div>' if shown else ""


def _diff(pull: PullRequest) -> str:
    git = pull.repository.git
    start = git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    lines: list[str] = []
    for line in git.diff(start, pull.head_sha).splitlines():
        kind = {"+": "add", "-": "del"}.get(line[:1], "")
        lines.append(f'<span class="{kind}">{escape(line)}</span>' if kind else escape(line))
    text = "\n".join(lines)
    return f"<h2>Changes</h2><pre><code>{text}</code></pre>"
