"""The events of the agents that print JSON, one class for each; the rest of their words is skipped.

Taken from what the programs print: Claude Code 2.1, Codex 0.171, opencode 1.18, Gemini CLI 0.61.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.hearing import EventHearing, fields, number, printed, rows, spent, text, tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.hearing import Fields, Line


class Claude(EventHearing):
    """`claude --print --output-format stream-json`."""

    def __init__(self) -> None:
        super().__init__()
        self._commands: set[str] = set()

    def event(self, event: Fields) -> Iterator[Line]:
        """Messages of both sides, retries and the result."""
        match event.get("type"):
            case "assistant":
                for part in rows(fields(event.get("message")).get("content")):
                    yield from self._part(part)
            case "user":
                for part in rows(fields(event.get("message")).get("content")):
                    yield from self._result_of_tool(part)
            case "system" if event.get("subtype") == "api_retry":
                answer = f"{event.get('error_status')} ({event.get('error')})"
                tries = f"try {event.get('attempt')} of {event.get('max_retries')}"
                yield "warning", f"The provider answered {answer} at {tries}"
            case "result":
                self._end(event)
            case _:
                pass

    def _part(self, part: Fields) -> Iterator[Line]:
        if part.get("type") == "text":
            yield from self.say(text(part.get("text")))
        elif part.get("type") == "tool_use":
            name = text(part.get("name"))
            if name == "Bash":
                self._commands.add(text(part.get("id")))
            yield tool(name, fields(part.get("input")))

    def _result_of_tool(self, part: Fields) -> Iterator[Line]:
        content = part.get("content")
        words = "\n".join(text(one.get("text")) for one in rows(content)) or text(content)
        if part.get("is_error") is True:
            yield from (("warning", line) for _, line in printed(words))
        elif text(part.get("tool_use_id")) in self._commands:
            yield from printed(words)

    def _end(self, event: Fields) -> None:
        usage = fields(event.get("usage"))
        read = (usage.get(f"{kind}input_tokens") for kind in ("", "cache_creation_", "cache_read_"))
        output = number(usage.get("output_tokens"))
        self._usage = spent(sum(map(number, read)), output, event.get("total_cost_usd"))
        self._said = text(event.get("result")).strip() or self._said
        if event.get("is_error") is True:
            self.fail(text(event.get("result")), text(event.get("subtype")))


class Codex(EventHearing):
    """`codex exec --json`."""

    def event(self, event: Fields) -> Iterator[Line]:
        """Items that begin and end, and the turn's end."""
        item = fields(event.get("item"))
        match event.get("type"):
            case "item.started" if item.get("type") == "command_execution":
                yield "command", text(item.get("command"))
            case "item.completed":
                yield from self._item(item)
            case "turn.completed":
                usage = fields(event.get("usage"))
                before = self._usage or {}
                self._usage = spent(
                    before.get("inputTokens", 0) + number(usage.get("input_tokens")),
                    before.get("outputTokens", 0) + number(usage.get("output_tokens")),
                )
            case "error":
                yield "warning", text(event.get("message"))
            case "turn.failed":
                self.fail(text(fields(event.get("error")).get("message")))
            case _:
                pass

    def _item(self, item: Fields) -> Iterator[Line]:
        match item.get("type"):
            case "agent_message":
                yield from self.say(text(item.get("text")))
            case "command_execution":
                yield from printed(item.get("aggregated_output"))
                if number(item.get("exit_code")):
                    yield "warning", f"It ended with exit code {item.get('exit_code')}"
            case "file_change":
                paths = [text(one.get("path")) for one in rows(item.get("changes"))]
                yield "command", f"edit {', '.join(paths)}"
            case "error":
                yield "warning", text(item.get("message"))
            case "mcp_tool_call" | "web_search":
                yield tool(text(item.get("tool")) or text(item.get("type")), item)
            case _:
                pass


class Opencode(EventHearing):
    """`opencode run --format json`."""

    def event(self, event: Fields) -> Iterator[Line]:
        """Texts, tools, and what each step cost."""
        part = fields(event.get("part"))
        match event.get("type"):
            case "text":
                yield from self.say(text(part.get("text")))
            case "tool_use":
                state = fields(part.get("state"))
                yield tool(text(part.get("tool")), fields(state.get("input")))
                if state.get("status") == "error":
                    yield from (("warning", line) for _, line in printed(state.get("error")))
                elif part.get("tool") == "bash":
                    yield from printed(state.get("output"))
            case "step_finish":
                self._step(part)
            case "error":
                error = fields(event.get("error"))
                self.fail(text(fields(error.get("data")).get("message")), text(error.get("name")))
            case _:
                pass

    def _step(self, part: Fields) -> None:
        tokens, before = fields(part.get("tokens")), self._usage or {}
        cache = fields(tokens.get("cache"))
        read = (tokens.get("input"), cache.get("read"), cache.get("write"))
        self._usage = spent(
            before.get("inputTokens", 0) + sum(map(number, read)),
            before.get("outputTokens", 0)
            + number(tokens.get("output"))
            + number(tokens.get("reasoning")),
            before.get("costUsd", 0) + number(part.get("cost")),
        )


class Gemini(EventHearing):
    """`gemini --output-format stream-json`, which tells what it says in pieces."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[str] = []

    def event(self, event: Fields) -> Iterator[Line]:
        """Pieces of messages, tools and the result."""
        if event.get("type") == "message":
            if event.get("role") == "assistant":
                self._pieces.append(text(event.get("content")))
            return
        yield from self.say("".join(self._pieces))
        self._pieces.clear()
        match event.get("type"):
            case "tool_use":
                yield tool(text(event.get("tool_name")), fields(event.get("parameters")))
            case "tool_result":
                kind = "warning" if event.get("status") == "error" else "info"
                for _, line in printed(event.get("output")):
                    yield kind, line
            case "error":
                yield "warning", text(event.get("message"))
            case "result":
                self._end(event)
            case _:
                pass

    def _end(self, event: Fields) -> None:
        stats = fields(event.get("stats"))
        self._usage = spent(number(stats.get("input_tokens")), number(stats.get("output_tokens")))
        if event.get("status") == "error":
            self.fail(text(fields(event.get("error")).get("message")))
