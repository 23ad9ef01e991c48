"""Git over HTTP with a real git client: who may read and push what, and pushes of any size."""

from __future__ import annotations

import asyncio
import gzip
import secrets
from typing import TYPE_CHECKING

import pytest

from simulator.repositories import GitError, GitRepository
from tests.simulator_support import Place, git, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

SIZE = 12 * 1024 * 1024


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with running(tmp_path) as made:
        yield made


async def commit(folder: Path, name: str, content: str = "new\n") -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)
    await git("add", ".", cwd=folder)
    await git("commit", "-qm", f"Add {name}", cwd=folder)
    return (await git("rev-parse", "HEAD", cwd=folder)).strip()


async def test_anybody_clones_a_public_repository(place: Place) -> None:
    folder = await place.clone()
    assert (folder / "README.md").read_text() == "hello\n"


async def test_a_push_arrives_and_moves_its_pull_request(place: Place) -> None:
    token = await place.token(permissions={"contents": "write"})
    folder = await place.clone(token)
    first = await commit(folder, "one.txt")
    await git("push", "-q", "origin", "HEAD:refs/heads/topic", cwd=folder)
    pull = place.sim.open_pull(place.repo, author="alice", head="topic")
    assert pull.head_sha == first
    second = await commit(folder, "two.txt")
    await git("push", "-q", "origin", "HEAD:refs/heads/topic", cwd=folder)
    assert pull.head_sha == second
    listed = await git("ls-remote", "origin", f"refs/pull/{pull.number}/head", cwd=folder)
    assert listed.split()[0] == second
    assert [one.message for one in place.repo.log("topic")][:2] == ["Add two.txt", "Add one.txt"]


async def test_a_bearer_header_is_as_good_as_a_password(place: Place) -> None:
    folder = await place.clone()
    await commit(folder, "one.txt")
    header = f"http.extraheader=Authorization: Bearer {await place.token()}"
    await git("-c", header, "push", "-q", place.git_url(), "HEAD:refs/heads/topic", cwd=folder)
    assert place.repo.branches() == ["main", "topic"]


@pytest.mark.parametrize(
    ("permissions", "reads", "pushes"),
    [
        ({"metadata": "read"}, False, False),
        ({"contents": "read"}, True, False),
        ({"contents": "write"}, True, True),
    ],
)
async def test_permissions_of_a_token_on_a_private_repository(
    place: Place, permissions: dict[str, str], reads: bool, pushes: bool
) -> None:
    place.repo.private = True
    url = place.git_url(await place.token(permissions=permissions))
    folder = place.folder / "own"
    await git("init", "-q", str(folder), cwd=place.folder)
    await commit(folder, "one.txt")
    await git("ls-remote", url, cwd=folder, ok=reads)
    await git("push", "-q", url, "HEAD:refs/heads/topic", cwd=folder, ok=pushes)
    assert ("topic" in place.repo.branches()) is pushes


async def test_who_may_not_push_is_told_why(place: Place) -> None:
    folder = await place.clone()
    await commit(folder, "one.txt")
    target = "HEAD:refs/heads/topic"
    reader = place.git_url(await place.token(permissions={"contents": "read"}))
    assert "denied to bellhop[bot]" in await git("push", reader, target, cwd=folder, ok=False)
    nobody = await git("push", place.git_url(), target, cwd=folder, ok=False)
    assert "could not read Username" in nobody
    wrong = await git("push", place.git_url("ghs_wrong"), target, cwd=folder, ok=False)
    assert "Authentication failed" in wrong
    token = await place.token()
    place.sim.suspend(place.installation)
    suspended = await git("push", place.git_url(token), target, cwd=folder, ok=False)
    assert "suspended" in suspended
    place.sim.unsuspend(place.installation)
    place.sim.archive_repository(place.repo)
    archived = await git("push", place.git_url(token), target, cwd=folder, ok=False)
    assert "read-only" in archived
    assert place.repo.branches() == ["main"]


async def test_a_private_repository_is_hidden(place: Place) -> None:
    hidden = place.sim.add_repository("acme/hidden", private=True)
    token = await place.token()
    missing = await git(
        "ls-remote", place.git_url(token, "acme/hidden"), cwd=place.folder, ok=False
    )
    assert "not found" in missing
    assert (await place.call("GET", f"{place.git_url()}/info/refs")).status == 403
    service = "info/refs?service=git-upload-pack"
    anonymous = await place.call("GET", f"{place.git_url(name=hidden.full_name)}/{service}")
    assert anonymous.status == 401
    assert anonymous.headers["WWW-Authenticate"].startswith("Basic")


async def test_protected_branches_and_workflows_are_refused(place: Place) -> None:
    place.sim.protect_branch(place.repo, "main")
    folder = await place.clone(await place.token())
    await commit(folder, "one.txt")
    main = await git("push", "origin", "HEAD:main", cwd=folder, ok=False)
    assert "protected branch hook declined" in main
    await git("push", "-q", "origin", "HEAD:refs/heads/topic", cwd=folder)
    await commit(folder, ".github/workflows/ci.yml")
    flow = await git("push", "origin", "HEAD:refs/heads/topic", cwd=folder, ok=False)
    assert "create or update workflow `.github/workflows/ci.yml` without `workflows`" in flow
    await git("push", "-q", "origin", ":topic", cwd=folder)
    place.installation.permissions["workflows"] = "write"
    wider = place.git_url(await place.token())
    await git("push", "-q", wider, "HEAD:refs/heads/flow", cwd=folder)
    assert place.repo.branches() == ["flow", "main"]


async def test_workflows_that_are_there_do_not_hinder(place: Place) -> None:
    place.repo.commit("main", {".github/workflows/ci.yml": "on: push\n"})
    folder = await place.clone(await place.token())
    await commit(folder, "one.txt")
    await git("push", "-q", "origin", "HEAD:refs/heads/topic", cwd=folder)
    assert place.repo.branches() == ["main", "topic"]


async def test_a_renamed_repository_is_still_cloned(place: Place) -> None:
    place.sim.rename_repository(place.repo, "gadgets")
    folder = await place.clone()
    assert (folder / "README.md").exists()


async def test_a_large_push_streams_through(place: Place) -> None:
    folder = await place.clone(await place.token())
    # Random bytes do not compress: they travel as they are, in many chunks.
    (folder / "big.bin").write_bytes(secrets.token_bytes(SIZE))
    for name in ("core.compression", "pack.compression"):
        await git("config", name, "0", cwd=folder)
    await git("add", ".", cwd=folder)
    await git("commit", "-qm", "Big", cwd=folder)
    await git("push", "-q", "origin", "HEAD:refs/heads/big", cwd=folder)
    entry = place.repo.git.entry("big", "big.bin")
    assert entry is not None
    assert entry.size == SIZE


async def test_a_compressed_request_is_understood(place: Place) -> None:
    sha = place.repo.git.resolve("main")
    want = f"0032want {sha}\n00000009done\n".encode()
    url = f"{place.git_url()}/git-upload-pack"
    headers = {
        "Content-Type": "application/x-git-upload-pack-request",
        "Content-Encoding": "gzip",
    }
    async with place.session.post(url, data=gzip.compress(want), headers=headers) as answer:
        assert answer.status == 200
        assert b"PACK" in await answer.read()


def test_conflicts_and_missing_files_are_told(tmp_path: Path) -> None:
    repository = GitRepository.create(tmp_path / "r.git", "main")
    author = "A <a@example.com>"
    repository.commit("main", {"a.txt": "1\n"}, "one", author, "main")
    repository.commit("topic", {"a.txt": "2\n"}, "two", author, "main")
    repository.commit("main", {"a.txt": "3\n"}, "three", author, "main")
    topic = repository.resolve("topic")
    with pytest.raises(GitError):
        repository.merge("main", topic or "", "merge", author)
    assert repository.entry("main", "none.txt") is None


async def test_a_missing_file_is_told(place: Place) -> None:
    with pytest.raises(FileNotFoundError, match="acme/widgets@main has no file none"):
        place.repo.read_file("main", "none")


async def test_a_client_that_goes_away_leaves_nothing_running(place: Place) -> None:
    host, port = place.sim.url.removeprefix("http://").split(":")
    token = await place.token()
    _, writer = await asyncio.open_connection(host, int(port))
    head = [
        "POST /acme/widgets.git/git-receive-pack HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {token}",
        "Content-Type: application/x-git-receive-pack-request",
        "Content-Length: 100000",
        "",
        "0000",
    ]
    writer.write("\r\n".join(head).encode())
    await writer.drain()
    await until(lambda: place.sim.requests[-1].path.endswith("receive-pack"))
    writer.close()
    await writer.wait_closed()
    await until(lambda: place.sim.requests[-1].status != 0)


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110 - the log of another server has no event
            await asyncio.sleep(0.005)
