"""Branches, refs and comparisons, all with real git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.repositories import GitError
from simulator.rest.call import ApiError, Call, not_found, nothing, reply
from simulator.rest.serve import RepositoryRoute
from simulator.shapes import commits as shape

if TYPE_CHECKING:
    from aiohttp import web

    from simulator.model import Repository

CONTENTS = ("contents",)


def get_branch(call: Call, repository: Repository) -> web.Response:
    """`GET …/branches/{branch}`."""
    name = call.part("branch")
    sha = repository.git.resolve(f"refs/heads/{name}")
    if sha is None:
        raise ApiError(404, "Branch not found")
    tip = repository.git.commits(sha, 1)[0]
    return reply(shape.branch(call.site, repository, name, tip))


def _ref(call: Call, repository: Repository) -> tuple[str, str]:
    """Return the asked ref and its commit."""
    name = f"refs/{call.part('ref')}"
    sha = repository.git.refs(name).get(name)
    if sha is None:
        if call.request.method == "GET":
            raise not_found()
        raise ApiError(422, "Reference does not exist")
    return name, sha


def get_ref(call: Call, repository: Repository) -> web.Response:
    """`GET …/git/ref/{ref}`."""
    return reply(shape.ref(call.site, repository, *_ref(call, repository)))


def _commit(call: Call, repository: Repository) -> str:
    sha = call.text("sha", resource="Reference") or ""
    found = repository.git.resolve(sha)
    if found is None or found != sha:
        raise ApiError(422, "Object does not exist")
    return sha


def create_ref(call: Call, repository: Repository) -> web.Response:
    """`POST …/git/refs`."""
    name, sha = call.text("ref", resource="Reference") or "", _commit(call, repository)
    if not name.startswith(("refs/heads/", "refs/tags/")):
        raise ApiError(422, f"{name} is not a valid ref name.")
    if name in repository.git.refs(name):
        raise ApiError(422, "Reference already exists")
    try:
        repository.git.set_ref(name, sha)
    except GitError:
        raise ApiError(422, f"{name} is not a valid ref name.") from None
    call.world.branches_changed(repository)
    described = shape.ref(call.site, repository, name, sha)
    return reply(described, 201, {"Location": described["url"]})


def _refuse_protected(repository: Repository, name: str) -> None:
    if name.removeprefix("refs/heads/") in repository.protected:
        raise ApiError(422, f"Protected branch update failed for {name}.")


def update_ref(call: Call, repository: Repository) -> web.Response:
    """`PATCH …/git/refs/{ref}`: forwards only, unless forced."""
    name, old = _ref(call, repository)
    sha = _commit(call, repository)
    _refuse_protected(repository, name)
    if call.body.get("force") is not True and not repository.git.is_ancestor(old, sha):
        raise ApiError(422, "Update is not a fast forward")
    repository.git.set_ref(name, sha)
    call.world.branches_changed(repository)
    return reply(shape.ref(call.site, repository, name, sha))


def delete_ref(call: Call, repository: Repository) -> web.Response:
    """`DELETE …/git/refs/{ref}`."""
    name, _ = _ref(call, repository)
    _refuse_protected(repository, name)
    repository.git.delete_ref(name)
    call.world.branches_changed(repository)
    return nothing()


def compare(call: Call, repository: Repository) -> web.Response:
    """`GET …/compare/{base}...{head}`."""
    base_name, dots, head_name = call.part("basehead").partition("...")
    base, head = repository.git.resolve(base_name), repository.git.resolve(head_name)
    if not dots or base is None or head is None:
        raise not_found()
    merge_base = repository.git.merge_base(base, head)
    if merge_base is None:
        raise ApiError(404, f"No common ancestor between {base_name} and {head_name}.")
    return reply(shape.comparison(call.site, repository, base, head, merge_base))


ROUTES = (
    RepositoryRoute("GET", "/branches/{branch:.+}", get_branch, CONTENTS),
    RepositoryRoute("GET", "/git/ref/{ref:.+}", get_ref, CONTENTS),
    RepositoryRoute("POST", "/git/refs", create_ref, CONTENTS),
    RepositoryRoute("PATCH", "/git/refs/{ref:.+}", update_ref, CONTENTS),
    RepositoryRoute("DELETE", "/git/refs/{ref:.+}", delete_ref, CONTENTS),
    RepositoryRoute("GET", "/compare/{basehead:.+}", compare, CONTENTS),
)
