from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from bot.github.client import GitHub
from bot.github.errors import GitHubError, Limited, Refused, Unavailable
from bot.github.pace import Pace, Priority
from bot.github.values import (
    AppInfo,
    BotUser,
    BranchFacts,
    CommentFacts,
    IssueFacts,
    OnComment,
    OnIssue,
    PullFacts,
    RepoRef,
    RepositoryFacts,
    ReviewCommentFacts,
    SaidComment,
)
from handlers.commands import Role
from tests.github_support import (
    CUT,
    HANG,
    OTHER,
    REPO,
    START,
    FakeServer,
    JumpingClock,
    Reply,
    identity,
    scripted,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HOME = "/repos/acme/widgets"
COMMENTS = f"{HOME}/issues/5/comments"


def person(login: str = "alice", number: int = 3, kind: str = "User") -> dict[str, Any]:
    return {"id": number, "login": login, "type": kind}


def comment(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "user": person(),
        "body": f"comment {number}",
        "created_at": "2026-11-21T10:00:00Z",
        "updated_at": "2026-11-21T10:00:01Z",
        "html_url": f"https://github.test/c/{number}",
        "performed_via_github_app": None,
    } | more


def pull(number: int, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "state": "open",
        "merged_at": None,
        "head": {"ref": "bellhop/x", "sha": "a" * 40, "repo": {"id": 42}},
        "base": {"ref": "main"},
        "user": person("bell[bot]", 9, "Bot"),
        "html_url": f"https://github.test/p/{number}",
    } | more


REPOSITORY = {
    "id": 42,
    "full_name": "acme/widgets",
    "default_branch": "main",
    "archived": False,
    "private": True,
}


async def test_a_repository_is_read_with_a_narrow_token_and_the_right_headers() -> None:
    async with scripted() as (github, server):
        server.on("GET", HOME, Reply(200, REPOSITORY))
        facts = await github.repository(REPO)
        (seen,) = server.to(HOME)
        (minted,) = server.minted()
    assert facts == RepositoryFacts(42, "acme/widgets", "main", archived=False, private=True)
    assert seen.headers["authorization"] == "Bearer ghs_secret0"
    assert seen.headers["x-github-api-version"] == "2026-03-10"
    assert seen.headers["accept"] == "application/vnd.github+json"
    assert seen.headers["user-agent"] == "bellhop"
    assert minted.data["repository_ids"] == [42]
    assert "write" not in minted.data["permissions"].values()


async def test_the_app_and_its_account() -> None:
    async with scripted() as (github, server):
        server.on("GET", "/app", CUT, Reply(200, {"id": 99, "slug": "bell", "name": "Bell"}))
        server.on("GET", "/users/bell%5Bbot%5D", Reply(200, person("bell[bot]", 77, "Bot")))
        assert await github.app() == AppInfo(99, "bell", "Bell")
        assert await github.bot_user("bell") == BotUser(77, "bell[bot]")
        assert await github.bot_user("bell", REPO) == BotUser(77, "bell[bot]")
        anonymous, known = server.to("/users/bell%5Bbot%5D")
    assert "authorization" not in anonymous.headers
    assert known.headers["authorization"] == "Bearer ghs_secret0"


@pytest.mark.parametrize(
    ("answer", "role"),
    [
        (Reply(200, {"role_name": "maintain", "user": {"permissions": {}}}), Role.MAINTAIN),
        (Reply(200, {"role_name": "custom", "user": {"permissions": {"push": True}}}), Role.WRITE),
        (Reply(200, {"role_name": "custom", "user": None}), Role.NONE),
        (Reply(404, {"message": "Not Found"}), Role.NONE),
    ],
)
async def test_a_role_is_asked_each_time(answer: Reply, role: Role) -> None:
    path = f"{HOME}/collaborators/alice/permission"
    async with scripted() as (github, server):
        server.on("GET", path, answer)
        assert await github.role(REPO, "alice") is role
        assert await github.role(REPO, "alice") is role
        assert len(server.to(path)) == 2


@pytest.mark.parametrize("status", [403, 500])
async def test_a_role_that_cannot_be_asked_is_not_none(status: int) -> None:
    async with scripted() as (github, server):
        reply = Reply(status, {"message": "no"})
        server.on("GET", f"{HOME}/collaborators/alice/permission", reply)
        with pytest.raises(GitHubError):
            await github.role(REPO, "alice")


def content(text: bytes, **more: str) -> dict[str, str]:
    encoded = base64.encodebytes(text).decode()
    return {"type": "file", "encoding": "base64", "content": encoded} | more


FILE = f"{HOME}/contents/.github/bellhop.yml"


async def test_a_file_is_remembered_by_its_etag() -> None:
    async with scripted() as (github, server):
        first = Reply(200, content(b"agent: codex\n"), {"etag": '"one"'})
        server.on("GET", FILE, first, Reply(304), Reply(200, content(b""), {"etag": '"two"'}))
        assert await github.file(REPO, ".github/bellhop.yml") == "agent: codex\n"
        assert await github.file(REPO, ".github/bellhop.yml") == "agent: codex\n"
        assert await github.file(REPO, ".github/bellhop.yml") == ""
        asked = [seen.headers.get("if-none-match") for seen in server.to(FILE)]
    assert asked == [None, '"one"', '"one"']


async def test_what_is_remembered_never_crosses_installations_or_repositories() -> None:
    moved = RepoRef(installation_id=8, repository_id=42, full_name="acme/widgets")
    taken = RepoRef(installation_id=7, repository_id=44, full_name="acme/widgets")
    async with scripted() as (github, server):
        server.on("GET", FILE, Reply(200, content(b"x"), {"etag": '"one"'}))
        for repo in (REPO, moved, taken):
            await github.file(repo, ".github/bellhop.yml")
        github.forget_installation(7)
        await github.file(REPO, ".github/bellhop.yml")
        asked = [seen.headers.get("if-none-match") for seen in server.to(FILE)]
    assert asked == [None] * 4


async def test_a_file_at_a_commit() -> None:
    async with scripted() as (github, server):
        server.on("GET", FILE, Reply(200, content("ü".encode())))
        assert await github.file(REPO, ".github/bellhop.yml", "v1&x") == "ü"
        assert server.to(FILE)[0].query == {"ref": "v1&x"}


@pytest.mark.parametrize(
    "answer",
    [
        Reply(404, {"message": "Not Found"}),
        Reply(200, [{"type": "file"}]),
        Reply(200, {"type": "submodule"}),
    ],
)
async def test_what_is_no_file_is_absent(answer: Reply) -> None:
    async with scripted() as (github, server):
        server.on("GET", FILE, answer)
        assert await github.file(REPO, ".github/bellhop.yml") is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (content(b"", encoding="none"), "larger than 1 MB"),
        (content(b"\xff"), "not a text in UTF-8"),
        (content(b"", content="x"), "not a text in UTF-8"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why(answer: dict[str, str], reason: str) -> None:
    async with scripted() as (github, server):
        server.on("GET", FILE, Reply(200, answer))
        with pytest.raises(Refused, match=reason):
            await github.file(REPO, ".github/bellhop.yml")


def issue(comments: int, **more: Any) -> Reply:
    return Reply(200, {"number": 5, "state": "open", "locked": False, "comments": comments} | more)


async def test_an_issue_and_its_absence() -> None:
    path = f"{HOME}/issues/5"
    async with scripted() as (github, server):
        server.on(
            "GET",
            path,
            issue(3, labels=[{"name": "bug"}]),
            issue(0, pull_request={}, state="closed", locked=True),
        )
        plain = await github.issue(REPO, 5)
        request = await github.issue(REPO, 5)
        server.on("GET", path, Reply(410, {"message": "gone"}))
        assert await github.issue(REPO, 5) is None
    assert plain == IssueFacts(
        5, "open", locked=False, is_pull_request=False, comments=3, labels=("bug",)
    )
    assert request == IssueFacts(5, "closed", locked=True, is_pull_request=True, comments=0)


async def test_only_the_newest_comments_are_fetched() -> None:
    async with scripted() as (github, server):
        server.on("GET", f"{HOME}/issues/5", issue(250))
        pages = [
            [comment(n) for n in range(first, first + size)]
            for first, size in ((100, 100), (200, 50))
        ]
        more = {"link": f'<{server.url}{COMMENTS}?per_page=100&page=3>; rel="next"'}
        server.on("GET", COMMENTS, Reply(200, pages[0], more), Reply(200, pages[1]))
        got = await github.comments(REPO, 5, limit=120)
        asked = [seen.query for seen in server.to(COMMENTS)]
    assert [one.id for one in got] == list(range(130, 250))
    assert asked == [{"per_page": "100", "page": "2"}, {"per_page": "100", "page": "3"}]


async def test_a_comment_in_full() -> None:
    app = comment(
        1,
        user=person("bell[bot]", 9, "Bot"),
        body=None,
        performed_via_github_app={"id": 99, "slug": "bell"},
    )
    since = datetime(2026, 11, 21, 10, 0, tzinfo=timezone(timedelta(hours=1)))
    async with scripted() as (github, server):
        server.on("GET", COMMENTS, Reply(200, [app, comment(2, user=None)]))
        first, second = await github.comments(REPO, 5, since=since)
        assert server.to(COMMENTS)[0].query["since"] == "2026-11-21T09:00:00Z"
    assert first == CommentFacts(
        id=1,
        author_id=9,
        author_login="bell[bot]",
        is_bot=True,
        body="",
        created_at=datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC),
        updated_at=datetime(2026, 11, 21, 10, 0, 1, tzinfo=UTC),
        app_id=99,
        url="https://github.test/c/1",
    )
    assert (second.author_login, second.is_bot, second.app_id) == ("ghost", False, None)


async def test_a_pull_request() -> None:
    path = f"{HOME}/pulls/8"
    head = {"ref": "f", "sha": "b" * 40, "repo": None}
    merged = pull(8, state="closed", merged_at="2026-11-21T10:00:00Z", head=head, user=None)
    async with scripted() as (github, server):
        server.on("GET", path, Reply(200, merged))
        assert await github.pull(REPO, 8) == PullFacts(
            number=8,
            state="closed",
            merged=True,
            head_ref="f",
            head_sha="b" * 40,
            head_repository_id=None,
            base_ref="main",
            author_id=10137,
            author_login="ghost",
            url="https://github.test/p/8",
        )
        assert await github.pull(REPO, 9) is None


async def test_pull_requests_by_head_leave_out_what_github_lists_besides() -> None:
    other = pull(2, head={"ref": "else", "sha": "c" * 40, "repo": {"id": 42}})
    async with scripted() as (github, server):
        server.on("GET", f"{HOME}/pulls", Reply(200, [other, pull(1)]))
        found = await github.pulls_by_head(REPO, "acme", "bellhop/x")
        (seen,) = server.to(f"{HOME}/pulls")
    assert [one.number for one in found] == [1]
    assert seen.query == {"state": "all", "head": "acme:bellhop/x", "per_page": "100"}


async def test_the_comments_of_a_review() -> None:
    when = datetime(2026, 11, 21, 10, 0, 1, tzinfo=UTC)
    one = {"path": "a.py", "diff_hunk": "@@ -1 +1 @@\n+x", "body": "Why?"}
    one |= {"updated_at": "2026-11-21T10:00:01Z"}
    other = {"path": "b.py", "line": None, "original_line": 4, "body": None}
    other |= {"updated_at": "2026-11-21T10:00:01Z"}
    async with scripted() as (github, server):
        url = f"{HOME}/pulls/5/reviews/6/comments"
        server.on("GET", url, Reply(200, [one, other]))
        found = await github.review_comments(REPO, 5, 6)
        assert await github.review_comments(REPO, 5, 7) == [], "it is gone"
    assert found == [
        ReviewCommentFacts("a.py", None, "@@ -1 +1 @@\n+x", "Why?", when),
        ReviewCommentFacts("b.py", 4, "", "", when),
    ]


async def test_branches_and_refs() -> None:
    async with scripted() as (github, server):
        branch = {"commit": {"sha": "d" * 40}, "protected": True}
        server.on("GET", f"{HOME}/branches/bellhop/x%231", Reply(200, branch))
        ref = {"ref": "refs/heads/main", "object": {"sha": "e" * 40}}
        server.on("GET", f"{HOME}/git/ref/heads/main", Reply(200, ref))
        assert await github.branch(REPO, "bellhop/x#1") == BranchFacts("d" * 40, protected=True)
        assert await github.branch(REPO, "absent") is None
        assert await github.ref_sha(REPO, "heads/main") == "e" * 40
        assert await github.ref_sha(REPO, "heads/absent") is None


async def test_reactions() -> None:
    async with scripted() as (github, server):
        on_comment, on_issue = f"{HOME}/issues/comments/6/reactions", f"{HOME}/issues/5/reactions"
        server.on("POST", on_comment, Reply(201, {"id": 1}))
        server.on("POST", on_issue, Reply(200, {"id": 1}))
        await github.react(REPO, OnComment(6), "eyes")
        await github.react(REPO, OnIssue(5), "rocket")
        assert server.to(on_comment)[0].data == {"content": "eyes"}
        assert server.to(on_issue)[0].data == {"content": "rocket"}
        assert server.minted()[0].data["permissions"] == {
            "issues": "write",
            "pull_requests": "write",
        }


async def test_comments_are_written_edited_and_deleted() -> None:
    path = f"{HOME}/issues/comments/6"
    async with scripted() as (github, server):
        server.on("POST", COMMENTS, Reply(201, comment(6)))
        server.on("PATCH", path, Reply(200, comment(6)))
        server.on("DELETE", path, Reply(204), Reply(404, {"message": "Not Found"}))
        said = await github.comment(REPO, 5, "hello", priority=Priority.FINAL)
        assert said == SaidComment(6, "https://github.test/c/6")
        server.clock.now += 1
        assert await github.edit_comment(REPO, 6, "bye") == said
        await github.delete_comment(REPO, 6)
        await github.delete_comment(REPO, 6)
        assert [seen.data for seen in server.to(COMMENTS)] == [{"body": "hello"}]
        assert [seen.data for seen in server.to(path)] == [{"body": "bye"}, None, None]
        server.on("DELETE", path, Reply(403, {"message": "no"}))
        with pytest.raises(Refused):
            await github.delete_comment(REPO, 6)


async def test_pull_requests_are_opened_and_given_to_review() -> None:
    async with scripted() as (github, server):
        server.on("POST", f"{HOME}/pulls", Reply(201, pull(8)))
        server.on("POST", f"{HOME}/pulls/8/requested_reviewers", Reply(201, pull(8)))
        made = await github.create_pull(REPO, title="t", head="bellhop/x", base="main", body="b")
        await github.request_review(REPO, made.number, "alice")
        assert made.number == 8
        assert server.to(f"{HOME}/pulls")[0].data == {
            "title": "t",
            "head": "bellhop/x",
            "base": "main",
            "body": "b",
        }
        (review,) = server.to(f"{HOME}/pulls/8/requested_reviewers")
        assert review.data == {"reviewers": ["alice"]}


async def test_refs_are_moved_and_removed() -> None:
    path = f"{HOME}/git/refs/heads/bellhop/x"
    async with scripted() as (github, server):
        server.on("PATCH", path, Reply(200, {"ref": "refs/heads/bellhop/x"}))
        server.on("DELETE", path, Reply(204), Reply(422, {"message": "Reference does not exist"}))
        await github.update_ref(REPO, "heads/bellhop/x", "f" * 40)
        await github.delete_ref(REPO, "heads/bellhop/x")
        await github.delete_ref(REPO, "heads/bellhop/x")
        assert server.to(path)[0].data == {"sha": "f" * 40, "force": False}
        server.on("DELETE", path, Reply(422, {"message": "protected"}))
        with pytest.raises(Refused, match="protected"):
            await github.delete_ref(REPO, "heads/bellhop/x")


async def say(github: GitHub) -> object:
    return await github.comment(REPO, 5, "hello", priority=Priority.FINAL)


async def read(github: GitHub) -> object:
    return await github.repository(REPO)


@pytest.mark.parametrize(
    ("answer", "maybe_done"),
    [
        (Reply(500, {"message": "oops"}), True),
        (Reply(502, "<html>bad gateway</html>", content_type="text/html"), True),
        (Reply(503), True),
        (CUT, True),
        (Reply(201, "not json"), True),
        (Reply(201, {"id": "none"}), True),
    ],
)
async def test_a_write_is_sent_once_and_doubt_is_told(answer: Reply, *, maybe_done: bool) -> None:
    async with scripted() as (github, server):
        server.on("POST", COMMENTS, answer)
        with pytest.raises(Unavailable) as caught:
            await say(github)
        assert caught.value.maybe_done is maybe_done
        assert caught.value.retry_after is None
        assert len(server.to(COMMENTS)) == 1


async def test_a_write_without_an_answer_leaves_doubt() -> None:
    async with scripted(timeout=0.1) as (github, server):
        server.on("POST", COMMENTS, HANG)
        with pytest.raises(Unavailable) as caught:
            await say(github)
        assert caught.value.maybe_done


async def test_where_nobody_listens_nothing_was_done() -> None:
    clock = JumpingClock()
    async with FakeServer(clock).serve() as gone:
        address = gone.url
    async with ClientSession() as session:
        github = GitHub(session, identity(), api_url=address, clock=clock)
        for call in (say, read):
            with pytest.raises(Unavailable, match="cannot be reached") as caught:
                await call(github)
            assert not caught.value.maybe_done


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 422])
@pytest.mark.parametrize("call", [say, read])
async def test_a_refusal_is_final(status: int, call: Callable[[GitHub], Awaitable[object]]) -> None:
    async with scripted() as (github, server):
        answer = Reply(status, {"message": "because"})
        server.on("POST", COMMENTS, answer)
        server.on("GET", HOME, answer)
        with pytest.raises(Refused) as caught:
            await call(github)
        assert (caught.value.status, caught.value.message) == (status, "because")
        assert str(caught.value) == f"GitHub refused with {status}: because"
        assert len(server.seen) == 2


async def test_a_dead_token_is_replaced_once() -> None:
    async with scripted() as (github, server):
        server.on("GET", HOME, Reply(401, {"message": "Bad credentials"}), Reply(200, REPOSITORY))
        await github.repository(REPO)
        tokens = [seen.headers["authorization"] for seen in server.to(HOME)]
        assert tokens == ["Bearer ghs_secret0", "Bearer ghs_secret1"]
        server.on("GET", HOME, Reply(401, {"message": "Bad credentials"}))
        with pytest.raises(Refused, match="401"):
            await github.repository(REPO)
        assert len(server.to(HOME)) == 4


@pytest.mark.parametrize("answer", [Reply(500), CUT, Reply(200, {}), Reply(200, "[")])
async def test_a_question_is_repeated_for_a_while(answer: Reply) -> None:
    async with scripted() as (github, server):
        server.on("GET", HOME, answer, answer, Reply(200, REPOSITORY))
        if answer.data == {}:
            # What is not as documented will not be so the next time either.
            with pytest.raises(Unavailable, match="not as documented: id"):
                await github.repository(REPO)
            return
        assert (await github.repository(REPO)).id == 42
        server.on("GET", HOME, answer)
        with pytest.raises(Unavailable) as caught:
            await github.repository(REPO)
        assert not caught.value.maybe_done
        assert sum(server.clock.slept) <= 5


async def test_a_short_limit_is_waited_for_and_a_long_one_told() -> None:
    async with scripted() as (github, server):
        short = Reply(429, {"message": "slow down"}, {"retry-after": "2"})
        server.on("GET", HOME, short, Reply(200, REPOSITORY))
        assert (await github.repository(REPO)).id == 42
        assert server.clock.slept == [2]
        long = Reply(403, {"message": "slow down"}, {"retry-after": "20"})
        server.on("GET", HOME, long)
        with pytest.raises(Limited) as caught:
            await github.repository(REPO)
        assert caught.value.retry_after == 20


@pytest.mark.parametrize("call", [say, read])
async def test_after_a_limit_nothing_of_the_installation_is_sent_until_it_is_over(
    call: Callable[[GitHub], Awaitable[object]],
) -> None:
    async with scripted() as (github, server):
        headers = {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": str(int(START) + 100),
        }
        server.on(
            "POST", COMMENTS, Reply(403, {"message": "limit"}, headers), Reply(201, comment(6))
        )
        server.on("GET", HOME, Reply(200, REPOSITORY))
        server.on("GET", "/repos/acme/gadgets", Reply(200, REPOSITORY))
        with pytest.raises(Limited):
            await say(github)
        server.clock.now += 40
        sent = len(server.seen)
        with pytest.raises(Limited) as caught:
            await call(github)
        assert caught.value.retry_after == 60
        assert len(server.seen) == sent
        await github.repository(OTHER)
        server.clock.now += 60
        await call(github)


async def test_an_edit_does_not_wait_for_its_turn() -> None:
    path = f"{HOME}/issues/comments/6"
    async with scripted() as (github, server):
        server.on("PATCH", path, Reply(200, comment(6)))
        await github.edit_comment(REPO, 6, "one")
        with pytest.raises(Limited) as caught:
            await github.edit_comment(REPO, 6, "two")
        assert caught.value.retry_after == 1
        await github.edit_comment(REPO, 6, "three", priority=Priority.FINAL)
        assert [seen.data["body"] for seen in server.to(path)] == ["one", "three"]


async def test_a_write_waits_for_its_turn() -> None:
    clock = JumpingClock()
    pace = Pace(clock, per_minute=1)
    async with scripted(pace=pace) as (github, server):
        server.on("POST", COMMENTS, Reply(201, comment(6)))
        await say(github)
        await say(github)
        assert clock.slept == [60]


RENAMED = "/repositories/42"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_renamed_repository_is_followed_on_the_same_server(status: int) -> None:
    async with scripted() as (github, server):
        server.on("GET", HOME, Reply(status, {}, {"location": f"{server.url}{RENAMED}"}))
        server.on("GET", RENAMED, Reply(200, REPOSITORY))
        target = f"/api/v3{RENAMED}/issues/5/comments"
        server.on("POST", COMMENTS, Reply(status, {}, {"location": target}))
        server.on("POST", f"{RENAMED}/issues/5/comments", Reply(201, comment(6)))
        assert (await github.repository(REPO)).id == 42
        await say(github)
        assert server.to(f"{RENAMED}/issues/5/comments")[0].data == {"body": "hello"}


async def test_no_token_is_carried_to_another_host() -> None:
    async with scripted() as (github, server), FakeServer(server.clock).serve() as evil:
        server.on("GET", HOME, Reply(302, {}, {"location": f"{evil.url}/x"}))
        server.on("POST", COMMENTS, Reply(307, {}, {"location": f"{evil.url}/x"}))
        link = {"link": f'<{evil.url}/x>; rel="next"'}
        server.on("GET", COMMENTS, Reply(200, [comment(1)], link))
        for call in (say, read):
            with pytest.raises(Refused, match="another host"):
                await call(github)
        with pytest.raises(Refused, match="another host"):
            await github.comments(REPO, 5, since=datetime(2026, 1, 1, tzinfo=UTC))
        assert evil.seen == []


async def test_a_circle_of_redirects_ends() -> None:
    async with scripted() as (github, server):
        server.on("GET", HOME, Reply(301, {}, {"location": f"/api/v3{HOME}"}))
        with pytest.raises(Refused, match="circle"):
            await github.repository(REPO)


@pytest.mark.parametrize("location", ["mailto:x", "http://[::1", "//"])
async def test_a_redirect_to_nonsense_is_an_unreadable_answer(location: str) -> None:
    async with scripted() as (github, server):
        server.on("GET", HOME, Reply(301, {}, {"location": location}))
        with pytest.raises(GitHubError):
            await github.repository(REPO)


async def test_tokens_are_in_no_error() -> None:
    async with scripted() as (github, server):
        for answer in (CUT, Reply(500), Reply(404), Reply(422), Reply(200, "x"), Reply(302)):
            server.on("POST", COMMENTS, answer)
            with pytest.raises(GitHubError) as caught:
                await say(github)
            error: BaseException | None = caught.value
            while error is not None:
                assert "ghs_secret" not in repr(error) + str(error)
                error = error.__cause__ or error.__context__


async def test_a_list_that_is_not_as_documented_is_an_unreadable_answer() -> None:
    async with scripted() as (github, server):
        server.on("GET", f"{HOME}/pulls", Reply(200, [pull(1), {"number": "x"}]))
        with pytest.raises(Unavailable, match=r"not as documented: 1\.number"):
            await github.pulls_by_head(REPO, "acme", "bellhop/x")


async def test_by_the_machines_own_clock_it_works_too() -> None:
    async with scripted() as (_, server), ClientSession() as session:
        server.clock.now = time.time()
        server.on("GET", HOME, Reply(500), Reply(200, REPOSITORY))
        github = GitHub(session, identity(), api_url=server.url)
        assert (await github.repository(REPO)).id == 42
