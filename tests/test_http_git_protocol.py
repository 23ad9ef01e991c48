"""Git's push protocol as bytes: lines, commands, the list of refs, the report."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.http import git_advert, git_commands, git_report, pktline
from bot.http.git_advert import AdvertFilter
from bot.http.git_commands import Command
from bot.http.git_desk import PushGrant
from bot.http.git_report import ReportReader
from bot.http.pktline import FLUSH, MAX_PAYLOAD, PktBuffer, PktError, encode

ZERO, ONE, TWO = "0" * 40, "1" * 40, "2" * 40
REF = b"refs/heads/bellhop/7"
GREETING = encode(git_advert.SERVICE) + FLUSH
LINES = st.lists(st.none() | st.binary(max_size=200), max_size=30)


def written(lines: list[bytes | None]) -> bytes:
    return b"".join(FLUSH if line is None else encode(line) for line in lines)


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(edges)]


CUTS = st.lists(st.integers(0, 8000), max_size=20)


@given(lines=LINES, cuts=CUTS)
def test_lines_survive_any_cutting(lines: list[bytes | None], cuts: list[int]) -> None:
    buffer = PktBuffer()
    read: list[bytes | None] = []
    for piece in pieces_of(written(lines), cuts):
        buffer.feed(piece)
        while buffer.ready():
            read.append(buffer.take())
    assert read == lines
    assert buffer.rest() == b""


@given(lines=LINES, behind=st.binary())
def test_what_follows_the_lines_is_left_alone(lines: list[bytes | None], behind: bytes) -> None:
    buffer = PktBuffer()
    buffer.feed(written(lines) + behind)
    for line in lines:
        assert buffer.ready()
        assert buffer.take() == line
    assert buffer.rest() == behind
    assert not buffer.ready()


@given(st.binary(max_size=400))
def test_any_bytes_are_lines_or_an_error(data: bytes) -> None:
    buffer = PktBuffer()
    buffer.feed(data)
    taken = b""
    try:
        while buffer.ready():
            line = buffer.take()
            taken += FLUSH if line is None else encode(line)
    except PktError:
        return
    assert (taken + buffer.rest()).lower() == data.lower()


@pytest.mark.parametrize("header", [b"0001", b"0002", b"0003", b"fff1", b"ffff", b"00 4", b"+123"])
def test_a_length_without_meaning_is_an_error(header: bytes) -> None:
    buffer = PktBuffer()
    buffer.feed(header)
    with pytest.raises(PktError):
        buffer.ready()


def test_a_line_is_no_longer_than_git_allows() -> None:
    assert encode(bytes(MAX_PAYLOAD))[:4] == b"fff0"
    with pytest.raises(PktError, match="65516 bytes at most, not 65517"):
        encode(bytes(MAX_PAYLOAD + 1))


GRANT = PushGrant("t", "https://github.example/o/r.git", "bellhop/7", ONE, None)


def request(*lines: str) -> git_commands.PushRequest:
    return git_commands.parse([line.encode() for line in lines])


def test_a_push_is_read_in_full() -> None:
    push = request(
        f"shallow {TWO}\n", f"{ONE} {TWO} refs/heads/a\0 report-status quiet\n", f"{ZERO} {ONE} b"
    )
    assert push.commands == (Command(ONE, TWO, b"refs/heads/a"), Command(ZERO, ONE, b"b"))
    assert push.capabilities == ("report-status", "quiet")
    assert push.shallow == (f"shallow {TWO}".encode(),)
    assert (push.wants_report, push.side_band) == (True, False)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "push-cert",
        f"{ONE} {TWO}",
        f"{ONE} {TWO} ",
        f"{ONE[1:]} {TWO} refs/heads/a",
        f"{ONE} {TWO.replace('2', 'G')} refs/heads/a",
        f"{ONE} {TWO} refs/heads/a b",
        f"{ONE} {TWO} refs/heads/{'a' * 1100}",
        f"{'1' * 64} {'2' * 64} refs/heads/a",
        "shallow 123",
    ],
)
def test_what_is_no_command_is_an_error(line: str) -> None:
    with pytest.raises(PktError, match="is no update of a ref"):
        request(line)


def test_all_that_is_read_fits_a_line_again() -> None:
    most = b"agent=" + b"\xff" * 994
    ref = "refs/heads/" + "a" * 1013
    push = git_commands.parse([f"{ONE} {TWO} {ref}".encode() + b"\0" + most])
    assert len(git_commands.encode(push, push.commands[0])) < MAX_PAYLOAD
    with pytest.raises(PktError, match="more than 1000 bytes of capabilities"):
        git_commands.parse([f"{ONE} {TWO} {ref}".encode() + b"\0" + most + b" "])


def test_a_shallow_line_stands_before_the_commands() -> None:
    with pytest.raises(PktError):
        request(f"{ONE} {TWO} refs/heads/a\0", f"shallow {TWO}")


def test_capabilities_come_once() -> None:
    with pytest.raises(PktError):
        request(f"{ONE} {TWO} refs/heads/a\0quiet", f"{ONE} {TWO} refs/heads/b\0atomic")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{ONE} {TWO} refs/heads/bellhop/7\0report-status agent=git/2", None),
        (f"{ONE} {TWO} refs/heads/bellhop/7\0object-format=sha1", None),
        (f"{ONE} {TWO} refs/heads/bellhop/7\0object-format=sha256", "object-format=sha256"),
        (f"{ONE} {TWO} refs/heads/bellhop/7\0push-options", "'push-options'"),
        (f"{ONE} {TWO} refs/heads/bellhop/7\0agent", "'agent'"),
        (f"{ONE} {TWO} refs/heads/bellhop/7\0quiet=1", "'quiet=1'"),
        (f"{ONE} {TWO} refs/heads/bellhop/70\0", "its own branch"),
        (f"{ONE} {TWO} refs/heads/Bellhop/7\0", "its own branch"),
        (f"{ONE} {TWO} bellhop/7\0", "its own branch"),
        (f"{ONE} {ZERO} refs/heads/bellhop/7\0", "may not delete"),
    ],
)
def test_only_a_plain_update_of_the_branch_may_pass(line: str, said: str | None) -> None:
    refused = git_commands.refusal(request(line), GRANT)
    assert refused is None if said is None else said in (refused or "")


@pytest.mark.parametrize(
    ("old", "head", "fits"),
    [(ONE, ONE, True), (ZERO, None, True), (ZERO, ONE, False), (ONE, None, False)],
)
def test_a_push_starts_from_the_known_head(old: str, head: str | None, fits: bool) -> None:
    grant = PushGrant("t", "https://github.example/o/r.git", "bellhop/7", head, None)
    said = git_commands.stale(Command(old, TWO, REF), grant)
    assert (said is None) == fits
    assert fits or "no commit" in (said or "")


def test_an_update_is_sent_as_a_creation_of_the_staging_ref() -> None:
    push = request(
        f"shallow {TWO}", f"{ONE} {TWO} refs/heads/bellhop/7\0report-status-v2 side-band-64k atomic"
    )
    staged = git_commands.staged(push.commands[0], b"refs/bellhop/t")
    assert git_commands.encode(push, staged) == (
        encode(f"shallow {TWO}".encode())
        + encode(f"{ZERO} {TWO} refs/bellhop/t\0 report-status side-band-64k".encode())
        + FLUSH
    )


def advert(*lines: str) -> bytes:
    return GREETING + b"".join(encode(line.encode()) for line in lines) + FLUSH


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_list_of_refs_is_narrowed(size: int) -> None:
    refs = AdvertFilter(frozenset({REF, b"refs/bellhop/t"}))
    data = advert(
        f"{TWO} refs/bellhop/t\0report-status atomic delete-refs push-options quiet "
        "object-format=sha1 push-cert=nonce agent=git/github-1\n",
        f"{ONE} refs/heads/bellhop/7\n",
        f"{TWO} refs/heads/main\n",
        f"{TWO} refs/pull/1/head\n",
        f"{TWO} .have\n",
        f"shallow {TWO}\n",
    )
    passed = b"".join(refs.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert passed == advert(
        f"{ONE} refs/heads/bellhop/7\0report-status delete-refs quiet object-format=sha1 "
        "agent=git/github-1\n",
        f"{TWO} refs/heads/main\n",
        f"{TWO} .have\n",
        f"shallow {TWO}\n",
    )
    assert refs.ended
    assert refs.heads == {REF: ONE, b"refs/bellhop/t": TWO}


def test_a_list_of_nothing_still_tells_the_capabilities() -> None:
    refs = AdvertFilter(frozenset())
    passed = refs.feed(advert(f"{TWO} refs/pull/1/head\0quiet\n"))
    assert passed == advert(f"{ZERO} capabilities^{{}}\0quiet\n")


@pytest.mark.parametrize(
    "data",
    [
        FLUSH,
        encode(b"version 1\n") + FLUSH,
        advert(f"{'1' * 64} refs/heads/main\0object-format=sha256"),
        advert(ONE),
        advert("ERR no\n"),
        advert() + FLUSH,
    ],
)
def test_another_list_is_an_error(data: bytes) -> None:
    refs = AdvertFilter(frozenset())
    with pytest.raises(PktError):
        refs.feed(data)


def banded(report: bytes, *, size: int = 9) -> bytes:
    pieces = [report[at : at + size] for at in range(0, len(report), size)]
    return b"".join(encode(b"\1" + piece) for piece in pieces) + FLUSH


def report(*lines: bytes) -> bytes:
    return b"".join(encode(line) for line in lines) + FLUSH


@pytest.mark.parametrize("side_band", [True, False])
@pytest.mark.parametrize(
    ("lines", "taken", "why"),
    [
        ([b"unpack ok\n", b"ok refs/x\n"], True, ""),
        ([b"unpack ok", b"ok refs/x", b"option refname refs/y"], True, ""),
        ([b"unpack ok\n", b"ng refs/x cannot lock\n"], False, "cannot lock"),
        (
            [b"unpack index-pack abnormal exit\n", b"ng refs/x unpacker error\n"],
            False,
            "unpacking failed: index-pack abnormal exit",
        ),
        ([b"unpack ok\n", b"ng refs/x \x1b[31mred\xff\n"], False, "[31mred\ufffd"),
    ],
)
def test_a_report_is_read(lines: list[bytes], taken: bool, why: str, side_band: bool) -> None:
    reader = ReportReader(b"refs/x", side_band=side_band)
    data = report(*lines)
    for byte in banded(data) if side_band else data:
        reader.feed(bytes([byte]))
    assert (reader.taken, reader.why) == (taken, why)


def test_half_a_report_says_nothing() -> None:
    reader = ReportReader(b"refs/x", side_band=False)
    reader.feed(report(b"unpack ok\n", b"ok refs/x\n")[:-1])
    assert reader.taken is None


def test_words_for_the_person_are_passed_on_in_order() -> None:
    reader = ReportReader(b"refs/x", side_band=True)
    said = reader.feed(encode(b"\2one") + encode(b"\2") + encode(b"\2two") + FLUSH)
    assert said == [b"one", b"", b"two"]
    assert reader.taken is None


@pytest.mark.parametrize(
    "data",
    [
        report(b"unpack ok\n"),
        report(b"unpack ok\n", b"ok refs/xy\n"),
        encode(b"unpack ok\n") + encode(b"ok refs/y\n") * 200,
        b"HTTP",
    ],
)
def test_what_is_no_report_is_an_error(data: bytes) -> None:
    with pytest.raises(PktError):
        ReportReader(b"refs/x", side_band=False).feed(data)


@pytest.mark.parametrize("data", [encode(b"\4what"), encode(b"\3over quota")])
def test_other_bands_are_errors(data: bytes) -> None:
    with pytest.raises(PktError):
        ReportReader(b"refs/x", side_band=True).feed(data)


@given(
    refs=st.lists(st.from_regex(r"\Arefs/heads/[a-z]{1,900}\Z"), min_size=1, max_size=100),
    why=st.none() | st.text(),
    side_band=st.booleans(),
)
def test_what_is_reported_is_read_back(refs: list[str], why: str | None, side_band: bool) -> None:
    names = [ref.encode() for ref in refs]
    reader = ReportReader(names[0], side_band=side_band)
    data = git_report.encode(names[:90], why, side_band=side_band)
    assert reader.feed(data) == []
    assert reader.taken == (why is None)
    assert reader.why == git_report.one_line(why or "")


def test_progress_is_one_line_in_its_band() -> None:
    assert git_report.progress(b"hi") == b"0007\2hi"
    assert pktline.MAX_LINE == 65520
