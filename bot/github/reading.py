"""What we ask GitHub. Every question may be repeated, and is, for about five seconds."""

from __future__ import annotations

import base64
import binascii
from collections import deque
from datetime import UTC
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from bot.github.app import UNREACHABLE
from bot.github.calls import READ, Calls, segments
from bot.github.errors import NotText, Refused
from bot.github.retry import patiently
from bot.github.shapes import (
    COMMENTS,
    PULLS,
    REVIEW_COMMENTS,
    Access,
    App,
    Branch,
    Content,
    Installation,
    Issue,
    Known,
    Pull,
    Ref,
    Repository,
    User,
    parse,
    parse_list,
)
from bot.github.values import RepoRef
from handlers.commands import Role, role_of
from handlers.values import Person

if TYPE_CHECKING:
    from datetime import datetime

    from bot.github.transport import Answer
    from bot.github.values import (
        AppInfo,
        BotUser,
        BranchFacts,
        CommentFacts,
        IssueFacts,
        PullFacts,
        RepositoryFacts,
        ReviewCommentFacts,
    )

PAGE = 100


class Reading(Calls):
    """Questions. Each raises `GitHubError` where it gets no answer."""

    async def app(self) -> AppInfo:
        """The App that we are: a wrong key or App id is `Refused` here."""

        async def ask() -> Answer:
            return await self._api.call("GET", "/app", bearer=self.tokens.jwt())

        answer = await patiently(self.clock, ask)
        return parse(App, answer.data).info()

    async def bot_user(self, slug: str, repo: RepoRef | None = None) -> BotUser:
        """The account in whose name the App called `slug` writes.

        It is public on github.com; a server in private mode tells it only with the token of a
        repository that we can reach.
        """
        url = f"/users/{quote(f'{slug}[bot]', safe='')}"
        if repo is None:
            answer = await patiently(self.clock, lambda: self._api.call("GET", url, bearer=None))
        else:
            answer = await self._read(repo, url)
        return parse(User, answer.data).bot_user()

    async def person(self, login: str, repo: RepoRef | None = None) -> Person | None:
        """The person of a login; None if there is none, or it is an organisation's or an App's.

        It is public on github.com; a server in private mode tells it only with the token of a
        repository that we can reach.
        """
        url = f"/users/{quote(login, safe='')}"
        try:
            if repo is None:
                answer = await patiently(
                    self.clock, lambda: self._api.call("GET", url, bearer=None)
                )
            else:
                answer = await self._read(repo, url)
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        user = parse(User, answer.data)
        return user.person() if user.type == "User" else None

    async def role(self, repo: RepoRef, login: str, person_id: int | None = None) -> Role:
        """What someone may do in a repository at this moment, NONE for a stranger. Uncached.

        A login may have been given up and taken by somebody else: with `person_id`, only the
        person of that id has its role.
        """
        url = f"/repos/{repo.full_name}/collaborators/{quote(login, safe='')}/permission"
        answer = await self._found(repo, url)
        if answer is None:
            return Role.NONE
        access = parse(Access, answer.data)
        if person_id is not None and (access.user is None or access.user.id != person_id):
            return Role.NONE
        return role_of(access.role_name, access.user.permissions if access.user else {})

    async def repository(self, repo: RepoRef) -> RepositoryFacts:
        """The repository as it is now, under its present name."""
        answer = await self._read(repo, f"/repos/{repo.full_name}")
        return parse(Repository, answer.data).facts()

    async def reaches(self, repo: RepoRef) -> bool:
        """Whether the App has a repository through this installation; believed as long as a token.

        Raises:
            GitHubError: GitHub did not say.
        """
        try:
            await self.tokens.token(repo.installation_id, repo.repository_id, READ)
        except Refused as error:
            if error.status in UNREACHABLE:
                return False
            raise
        return True

    async def is_suspended(self, installation_id: int) -> bool:
        """Whether an installation may not be used for now.

        Raises:
            GitHubError: GitHub did not say; `Refused` where there is none.
        """
        url = f"/app/installations/{installation_id}"

        async def ask() -> Answer:
            return await self._api.call("GET", url, bearer=self.tokens.jwt())

        answer = await patiently(self.clock, ask)
        return parse(Installation, answer.data).suspended_at is not None

    async def locate(self, full_name: str) -> RepoRef | None:
        """The repository of a name, if the App is installed on it under that name.

        Raises:
            GitHubError: GitHub did not say.
        """
        url = f"/repos/{segments(full_name)}/installation"

        async def ask() -> Answer:
            return await self._api.call("GET", url, bearer=self.tokens.jwt())

        try:
            answer = await patiently(self.clock, ask)
        except Refused as error:
            if error.status in UNREACHABLE:
                return None
            raise
        installation = parse(Known, answer.data).id
        number = await self.tokens.reach(installation, full_name.partition("/")[2], READ)
        return None if number is None else RepoRef(installation, number, full_name)

    async def file(self, repo: RepoRef, path: str, ref: str | None = None) -> str | None:
        """A text file at a branch or commit, the default branch by default; None if absent.

        Remembered by ETag: asking again for what has not changed costs nothing of the limit.

        Raises:
            GitHubError: `NotText` for a file above 1 MB or one that is not UTF-8.
        """
        query = f"?{urlencode({'ref': ref})}" if ref is not None else ""
        url = f"/repos/{repo.full_name}/contents/{segments(path)}{query}"
        answer = await self._found(repo, url, remembered=True)
        # A folder is answered with a list of what is in it.
        if answer is None or isinstance(answer.data, list):
            return None
        content = parse(Content, answer.data)
        return _text(content, path) if content.type == "file" else None

    async def issue(self, repo: RepoRef, number: int) -> IssueFacts | None:
        """An issue or pull request; None if it is gone."""
        answer = await self._found(repo, f"/repos/{repo.full_name}/issues/{number}")
        return None if answer is None else parse(Issue, answer.data).facts()

    async def has_comment(self, repo: RepoRef, comment_id: int) -> bool:
        """Whether a comment on an issue or pull request is there."""
        url = f"/repos/{repo.full_name}/issues/comments/{comment_id}"
        return await self._found(repo, url) is not None

    async def comments(
        self, repo: RepoRef, number: int, limit: int = 300, since: datetime | None = None
    ) -> list[CommentFacts]:
        """The newest `limit` comments of an issue or pull request, oldest first.

        With `since`, only those written or edited at or after that time.
        """
        first_page = 1
        if since is None:
            issue = parse(
                Issue, (await self._read(repo, f"/repos/{repo.full_name}/issues/{number}")).data
            )
            first_page = max(0, issue.comments - limit) // PAGE + 1
        query: dict[str, str | int] = {"per_page": PAGE, "page": first_page}
        if since is not None:
            query["since"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        url = f"/repos/{repo.full_name}/issues/{number}/comments?{urlencode(query)}"
        newest: deque[CommentFacts] = deque(maxlen=limit)
        async for page in self._pages(repo, url):
            newest.extend(comment.facts() for comment in parse_list(COMMENTS, page))
        return list(newest)

    async def review_comments(
        self, repo: RepoRef, number: int, review: int
    ) -> list[ReviewCommentFacts]:
        """The comments of a review of a pull request, in their order; none if it is gone."""
        query = urlencode({"per_page": PAGE})
        url = f"/repos/{repo.full_name}/pulls/{number}/reviews/{review}/comments?{query}"
        answer = await self._found(repo, url)
        comments = [] if answer is None else parse_list(REVIEW_COMMENTS, answer.data)
        return [comment.facts() for comment in comments]

    async def pull(self, repo: RepoRef, number: int) -> PullFacts | None:
        """A pull request; None if there is none of this number."""
        answer = await self._found(repo, f"/repos/{repo.full_name}/pulls/{number}")
        return None if answer is None else parse(Pull, answer.data).facts()

    async def pulls_by_head(self, repo: RepoRef, owner: str, branch: str) -> list[PullFacts]:
        """The pull requests of every state from a branch of `owner`'s, newest first."""
        query = urlencode({"state": "all", "head": f"{owner}:{branch}", "per_page": PAGE})
        found: list[PullFacts] = []
        async for page in self._pages(repo, f"/repos/{repo.full_name}/pulls?{query}"):
            found.extend(pull.facts() for pull in parse_list(PULLS, page))
        # GitHub lists everything where it does not understand `head`.
        return [pull for pull in found if pull.head_ref == branch]

    async def branch(self, repo: RepoRef, name: str) -> BranchFacts | None:
        """A branch; None if there is none of this name."""
        answer = await self._found(repo, f"/repos/{repo.full_name}/branches/{segments(name)}")
        return None if answer is None else parse(Branch, answer.data).facts()

    async def ref_sha(self, repo: RepoRef, ref: str) -> str | None:
        """What a ref such as `heads/main` points to; None if there is none of this name."""
        answer = await self._found(repo, f"/repos/{repo.full_name}/git/ref/{segments(ref)}")
        return None if answer is None else parse(Ref, answer.data).object.sha

    async def _found(self, repo: RepoRef, url: str, *, remembered: bool = False) -> Answer | None:
        try:
            return await self._read(repo, url, remembered=remembered)
        except Refused as error:
            if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
                return None
            raise


def _text(content: Content, path: str) -> str:
    if content.encoding != "base64":
        raise NotText(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{path} is larger than 1 MB")
    try:
        return base64.b64decode(content.content).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise NotText(HTTPStatus.UNPROCESSABLE_ENTITY, f"{path} is not a text in UTF-8") from None
