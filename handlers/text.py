"""Text by others, made safe to publish."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import Final, NewType

from handlers.inert import (
    ADDRESS,
    CLOSING,
    CODE_RUN,
    MENTION,
    blocks,
    is_inert,
    open_fence,
    with_newlines,
)

Markdown = NewType("Markdown", str)
"""Text by others that may stand in a comment."""

# U+200B as an entity: nobody is notified and nothing is closed across it, people read on as if it
# were not there, and whoever looks at the source sees it. Hexadecimal, since `&#8203;` could pass
# for issue 8203 where the text ends up in a commit's message.
_BREAK: Final = "&#x200B;"
# Text by others is looked at for so many times the length that is shown of it: work for its parsers
# is time in which nothing else is decided.
_SEEN: Final = 4
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Characters that could take part in a name, a number or an address.
_ACTIVE: Final = re.compile(r"[A-Za-z0-9@#/:_.-]*")
_OPENING: Final = re.compile("<!--")
_CODE: Final = rf"\\[\\`]|(?P<code>{CODE_RUN.pattern})"
_CODE_RUN: Final = re.compile(_CODE, re.DOTALL)
_CODE_OR_OPENING: Final = re.compile(rf"{_CODE}|<!--", re.DOTALL)
_TAG: Final = re.compile(r"<(?!https?://[^\s<>]*>)(?=[A-Za-z/!?])")
_ADDRESS_OR_MENTION: Final = re.compile(
    rf"<https?://[^\s<>]+>|{ADDRESS.pattern}|({MENTION.pattern})"
)
_LINE_SLASH: Final = re.compile(r"^([ \t]*)/", re.MULTILINE)
_SPECIAL: Final = re.compile(r"[\\`*_\[\]<|~&!#$]")
_LINE_MARKER: Final = re.compile(r"^([0-9]*)([-+>=/.)])")
_FILLERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_SELECTORS: Final = frozenset(
    (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
)


def visible(text: str) -> str:
    """Return the text without characters that nobody sees.

    These are controls but for tab and newline, marks of direction, zero-width characters, tags,
    variation selectors, fillers, private characters and lone surrogates. Unusual line breaks
    become spaces.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


@lru_cache(maxsize=4096)
def _visible(char: str) -> str:
    if char in "\t\n":
        return char
    if char in "\v\f\x85\u2028\u2029":
        return " "
    hidden = (
        unicodedata.category(char) in {"Cc", "Cf", "Cn", "Co", "Cs"}
        or char in _FILLERS
        or ord(char) in _SELECTORS
    )
    return "" if hidden else char


def neutral(text: str, limit: int = 20_000) -> Markdown:
    """Return Markdown by others so that it reads as before and does nothing.

    Nobody is mentioned, no issue is closed, no other bot is called, nothing is hidden, and a block
    of code that is left open is closed. Code keeps its characters. Text that cannot be made
    harmless in this way is shown as one block of code.

    Args:
        text: Whatever a worker, a prompt or a page said.
        limit: The longest result, in characters; what is cut is said.
    """
    unseen = max(0, len(text) - _SEEN * limit)
    text = visible(with_newlines(text[: _SEEN * limit]))
    short = not unseen and len(text) <= limit
    done = _neutral(text) if short else ""
    if short and len(done) <= limit:
        return Markdown(done)
    room = limit - len(cut_note(len(text) + unseen))
    kept = text[: max(0, room)]
    done = _neutral(kept)
    while kept and len(done) > room:
        kept = kept[: min(len(kept) * 9 // 10, len(kept) * room // len(done))]
        done = _neutral(kept)
    return Markdown((done + cut_note(len(text) + unseen - len(kept)))[:limit])


def cut_note(count: int) -> str:
    """What is said of so many characters that are not shown."""
    return f"\n\n… cut: {count} more characters"


def _neutral(text: str) -> str:
    for keep_code in (True, False):
        done = "\n".join(
            block.text if block.code else _defused(block.text, keep_code=keep_code)
            for block in blocks(text, html=False)
        )
        done = closed(done)
        if is_inert(done):
            return done
    return fenced(text)


def fenced(text: str) -> str:
    """Return the text as a block of code that nothing in it can close."""
    fence = "`" * max(3, 1 + _longest_run(text))
    return f"{fence}text\n{text}\n{fence}"


def closed(text: str) -> str:
    """Return Markdown with the block of code closed that it leaves open."""
    fence = open_fence(text)
    return f"{text}\n{fence}" if fence else text


def _defused(text: str, *, keep_code: bool) -> str:
    """Return Markdown without blocks of code as text that does nothing."""
    text = without_comments(text, keep_code=keep_code)
    if not keep_code:
        return _live_text(text)
    parts: list[str] = []
    done = 0
    for match in _CODE_RUN.finditer(text):
        if match["code"] is not None:
            parts += [_live_text(text[done : match.start()]), _one_line(match["code"])]
            done = match.end()
    return "".join([*parts, _live_text(text[done:])])


def _one_line(code_run: str) -> str:
    """Return inline code of which no later line can begin a command, a footnote or raw HTML."""
    return re.sub(r"\n[ \t>]*(?=[/<\[])", " ", code_run)


def without_comments(text: str, *, keep_code: bool) -> str:
    """Return Markdown without the HTML comments that are closed."""
    pattern = _CODE_OR_OPENING if keep_code else _OPENING
    parts: list[str] = []
    done = at = 0
    while found := pattern.search(text, at):
        at = found.end()
        if found[0] != "<!--":
            continue
        end = text.find("-->", at)
        if end < 0:
            break
        parts.append(text[done : found.start()])
        done = at = end + len("-->")
    return "".join([*parts, text[done:]])


def _live_text(text: str) -> str:
    """Return text outside code with everything broken that GitHub or a bot would act on."""
    text = _ENTITY.sub(_decoded, text)
    text = _TAG.sub("&lt;", text)
    text = text.replace("[^", f"[{_BREAK}^")  # footnotes, which could hide what is code
    text = _ADDRESS_OR_MENTION.sub(_broken_mention, text)
    text = CLOSING.sub(lambda match: f"{match[0][0]}{_BREAK}{match[0][1:]}", text)
    return _LINE_SLASH.sub(r"\1\\/", text)


def _decoded(entity: re.Match[str]) -> str:
    """Return what an entity stands for if it could hide a name; other entities stay."""
    char = html.unescape(entity[0])
    if char.isspace():
        return " "
    shown = visible(char)
    return shown if _ACTIVE.fullmatch(shown) else entity[0]


def _broken_mention(match: re.Match[str]) -> str:
    return f"@{_BREAK}" if match[1] is not None else match[0]


def neutral_line(text: str, limit: int = 200) -> Markdown:
    """Return a title or a name as one line of Markdown that shows it and does nothing.

    Args:
        text: Plain text by others.
        limit: How many of its characters are shown; what is cut is marked by an ellipsis.
    """
    line = " ".join(visible(without_comments(with_newlines(text), keep_code=False)).split())
    if len(line) > limit:
        line = line[: max(0, limit - 1)].rstrip() + "…"
    # U+200B is not among the visible characters: it can stand for the break until all is escaped.
    line = MENTION.sub("@\u200b", line)
    line = CLOSING.sub(lambda match: f"{match[0][0]}\u200b{match[0][1:]}", line)
    line = _SPECIAL.sub(r"\\\g<0>", line)
    line = _LINE_MARKER.sub(r"\1\\\2", line)
    return Markdown(line.replace("\u200b", _BREAK))


def neutral_sentence(text: str) -> Markdown:
    """One line by a worker or by Bellhop itself, its inline Markdown kept."""
    return neutral(" ".join(text.split()), 500)


def plain_line(text: str, limit: int = 200) -> str:
    """Return a title as plain text on one line, which notifies nobody and closes nothing.

    For the titles of pull requests, which GitHub shows as they are, without Markdown, and which
    can end up in the message of a merge commit.
    """
    line = " ".join(visible(without_comments(with_newlines(text), keep_code=False)).split())
    if len(line) > limit:
        line = line[: max(0, limit - 1)].rstrip() + "…"
    line = MENTION.sub("@\u200b", line.lstrip("/"))
    return CLOSING.sub(lambda match: f"{match[0][0]}\u200b{match[0][1:]}", line)


def code(text: str, limit: int = 80) -> Markdown:
    """Return plain text as inline code, on one line, whatever is in it."""
    line = " ".join(visible(text).split())
    line = line if len(line) <= limit else line[: limit - 1] + "…"
    ticks = "`" * (1 + _longest_run(line))
    pad = " " if not line or "`" in (line[0], line[-1]) else ""
    return Markdown(f"{ticks}{pad}{line}{pad}{ticks}")


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
