"""GitHub's objects: accounts, repositories, issues; and the fields that they are made of.

Deliveries carry them; where a program names an issue, one is made of what GitHub says when asked.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _readable(value: object) -> object:
    """An absent text is an empty one; NUL has no place in environments, arguments and comments."""
    if value is None:
        return ""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _present(value: object) -> bool:
    """Some facts are told by an object that is there or not."""
    return value is not None and value is not False


Id = Annotated[int, Field(ge=0, lt=2**63)]
"""What GitHub and an SQLite column can hold."""

Text = Annotated[str, BeforeValidator(_readable)]
Presence = Annotated[bool, BeforeValidator(_present)]
Name = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x20\x7f]+$")]


class GitHubValue(BaseModel):
    """Frozen; read from GitHub's names, and made by our own."""

    model_config = ConfigDict(
        frozen=True, strict=True, validate_by_name=True, validate_by_alias=True
    )


class Actor(GitHubValue):
    """An account that did something."""

    id: Id
    login: Name
    type: str
    """GitHub's word: `User`, `Bot`, `Organization`, `Mannequin`."""

    @property
    def is_bot(self) -> bool:
        """Whether an App or another program acts under this account."""
        return self.type == "Bot"


class Repository(GitHubValue):
    """The repository as the delivery described it."""

    id: Id
    full_name: Annotated[str, Field(max_length=256, pattern=r"^[\w.-]+/[\w.-]+$")]
    private: bool
    default_branch: Name
    archived: bool = False


class Subject(GitHubValue):
    """The issue or pull request that a text belongs to."""

    number: Id
    id: Id
    title: Text
    body: Text = ""
    author: Actor | None = Field(default=None, validation_alias="user")
    """None when the account is gone."""
    is_pull_request: Presence = Field(default=False, validation_alias="pull_request")
    state: str
    url: str = Field(validation_alias="html_url")
