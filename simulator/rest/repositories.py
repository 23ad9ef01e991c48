"""Repositories, what people may do in them, and their files."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from simulator.rest.call import Call, not_found, reply
from simulator.rest.serve import RepositoryRoute
from simulator.shapes import repositories as shape

if TYPE_CHECKING:
    from simulator.history import Entry
    from simulator.model import Repository
    from simulator.shapes import Json

# A larger file comes without its content.
LARGEST_IN_JSON = 1024 * 1024
RAW = "application/vnd.github.raw"


def get_repository(call: Call, repository: Repository) -> web.Response:
    """`GET /repos/{owner}/{repo}`."""
    return reply(shape.full_repository(call.site, repository))


def get_permission(call: Call, repository: Repository) -> web.Response:
    """`GET …/collaborators/{username}/permission`."""
    account = call.world.users.get(call.part("username").lower())
    if account is None:
        raise not_found()
    return reply(shape.permission(call.site, account, call.world.role_of(account, repository)))


def get_contents(call: Call, repository: Repository) -> web.Response:
    """`GET …/contents/{path}?ref=`: a file as JSON or raw, a folder as a list."""
    path = call.part("path").strip("/")
    ref = call.request.query.get("ref") or repository.default_branch
    revision = repository.git.resolve(ref)
    if revision is None:
        raise not_found()
    if not path:
        return _folder(call, repository, revision, ref, path)
    entry = repository.git.entry(revision, path)
    if entry is None:
        raise not_found()
    if entry.kind == "tree":
        return _folder(call, repository, revision, ref, path)
    content = repository.git.blob(entry.sha)
    if RAW in call.request.headers.get("Accept", ""):
        return web.Response(body=content, content_type=f"{RAW}+json", charset="utf-8")
    return reply(_file(call, repository, entry, ref, content))


def _folder(call: Call, repository: Repository, revision: str, ref: str, path: str) -> web.Response:
    entries = repository.git.listing(revision, path)
    return reply([_entry(call, repository, entry, ref) for entry in entries])


def _entry(call: Call, repository: Repository, entry: Entry, ref: str) -> Json:
    api = f"{call.site.api}/repos/{repository.full_name}"
    is_file = entry.kind == "blob"
    place = f"{quote(ref)}/{quote(entry.path)}"
    url = f"{api}/contents/{quote(entry.path)}?ref={quote(ref, safe='')}"
    git_url = f"{api}/git/{'blobs' if is_file else 'trees'}/{entry.sha}"
    page = f"{call.site.web}/{repository.full_name}/{entry.kind}/{place}"
    raw = f"{call.site.web}/{repository.full_name}/raw/{place}"
    return {
        "type": "file" if is_file else "dir",
        "name": entry.path.rpartition("/")[2],
        "path": entry.path,
        "sha": entry.sha,
        "size": entry.size,
        "url": url,
        "git_url": git_url,
        "html_url": page,
        "download_url": raw if is_file else None,
        "_links": {"self": url, "git": git_url, "html": page},
    }


def _file(call: Call, repository: Repository, entry: Entry, ref: str, content: bytes) -> Json:
    large = len(content) > LARGEST_IN_JSON
    return {
        **_entry(call, repository, entry, ref),
        "encoding": "none" if large else "base64",
        "content": "" if large else base64.encodebytes(content).decode(),
    }


ROUTES = (
    RepositoryRoute("GET", "", get_repository, ("metadata",)),
    RepositoryRoute("GET", "/collaborators/{username}/permission", get_permission, ("metadata",)),
    RepositoryRoute("GET", "/contents/{path:.*}", get_contents, ("contents",)),
)
