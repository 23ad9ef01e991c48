"""A model that plays a script: it asks for one command, and says a sentence once that was run.

It speaks as Anthropic's Messages, OpenAI's Responses and Chat Completions and Google's
generateContent do, as a stream and at once.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

COMMAND = "printf 'mended\\n' > mended.txt"
SAID = "I mended it: mended.txt says so."
EDIT = "mended.txt\n```\n<<<<<<< SEARCH\n=======\nmended\n>>>>>>> REPLACE\n```\n\n" + SAID
HAND_IN = f"echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && echo '{SAID}'"
TOKENS_IN, TOKENS_OUT = 100, 20
Events = list[tuple[str | None, dict[str, Any] | str]]


def model_server() -> web.Application:
    app = web.Application(client_max_size=50_000_000)
    app.router.add_post("/v1/messages", _messages)
    app.router.add_post("/v1/responses", _responses)
    app.router.add_post("/v1/chat/completions", _chat)
    app.router.add_post("/v1beta/models/{model:.*}", _generate)
    # What they want to know beside it: lists of models, counts of tokens.
    app.router.add_route("*", "/{path:.*}", _nothing)
    return app


async def _nothing(request: web.Request) -> web.Response:
    return web.json_response({}, status=404)


async def _answer(
    request: web.Request, whole: dict[str, Any], events: Events, *, stream: bool
) -> web.StreamResponse:
    if not stream:
        return web.json_response(whole)
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    for name, data in events:
        text = data if isinstance(data, str) else json.dumps(data)
        head = f"event: {name}\n" if name else ""
        await answer.write(f"{head}data: {text}\n\n".encode())
    await answer.write_eof()
    return answer


async def _messages(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    parts = [one for message in body["messages"] for one in _parts(message["content"])]
    names = {one.get("name") for one in body.get("tools", [])}
    shell = next((one for one in ("Bash", "bash") if one in names), None)
    content: list[dict[str, Any]] = [{"type": "text", "text": SAID}]
    if shell and not any(one.get("type") == "tool_result" for one in parts):
        given = {"command": COMMAND, "description": "Mend it"}
        content = [
            {"type": "text", "text": "I will mend it."},
            {"type": "tool_use", "id": "toolu_1", "name": shell, "input": given},
        ]
    reason = "end_turn" if len(content) == 1 else "tool_use"
    usage = {"input_tokens": TOKENS_IN, "output_tokens": TOKENS_OUT}
    message: dict[str, Any] = {
        "id": f"msg_{len(body['messages'])}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage,
    }
    begun = {**message, "content": [], "stop_reason": None}
    events: Events = [("message_start", {"type": "message_start", "message": begun})]
    for index, part in enumerate(content):
        events += _block(index, part)
    end = {"stop_reason": reason, "stop_sequence": None}
    events += [
        ("message_delta", {"type": "message_delta", "delta": end, "usage": usage}),
        ("message_stop", {"type": "message_stop"}),
    ]
    return await _answer(request, message, events, stream=bool(body.get("stream")))


def _parts(content: object) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else []


def _block(index: int, part: dict[str, Any]) -> Events:
    text = part["type"] == "text"
    empty = {"text": ""} if text else {"input": {}}
    delta = (
        {"type": "text_delta", "text": part["text"]}
        if text
        else {"type": "input_json_delta", "partial_json": json.dumps(part["input"])}
    )
    return [
        (f"content_block_{what}", {"type": f"content_block_{what}", "index": index, **more})
        for what, more in (
            ("start", {"content_block": {**part, **empty}}),
            ("delta", {"delta": delta}),
            ("stop", {}),
        )
    ]


async def _responses(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    shells = {
        "exec_command": {"cmd": COMMAND},
        "shell_command": {"command": COMMAND},
        "shell": {"command": ["sh", "-c", COMMAND]},
        "bash": {"command": COMMAND, "description": "Mend it"},
    }
    names = {one.get("name") for one in body.get("tools", [])}
    shell = next((one for one in shells if one in names), None)
    asked = [one for one in body["input"] if isinstance(one, dict)]
    item: dict[str, Any] = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": SAID, "annotations": []}],
    }
    if shell and not any(one.get("type") == "function_call_output" for one in asked):
        item = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": shell,
            "arguments": json.dumps(shells[shell]),
            "status": "completed",
        }
    usage = {
        "input_tokens": TOKENS_IN,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": TOKENS_OUT,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": TOKENS_IN + TOKENS_OUT,
    }
    whole: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": body["model"],
        "output": [item],
        "usage": usage,
    }
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    started = {**item, **({"content": []} if item["type"] == "message" else {"arguments": ""})}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": begun}),
        ("response.output_item.added", {"output_index": 0, "item": started}),
        _delta(item),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": whole}),
    ]
    events: Events = [
        (name, {"type": name, "sequence_number": number, **more})
        for number, (name, more) in enumerate(steps)
    ]
    return await _answer(request, whole, events, stream=bool(body.get("stream")))


def _delta(item: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    about = {"item_id": item["id"], "output_index": 0}
    if item["type"] == "message":
        more = {"content_index": 0, "delta": SAID, "logprobs": []}
        return "response.output_text.delta", {**about, **more}
    return "response.function_call_arguments.delta", {**about, "delta": item["arguments"]}


async def _chat(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    names = {one["function"]["name"] for one in body.get("tools", [])}
    ran = any(one["role"] == "tool" for one in body["messages"])
    message: dict[str, Any] = {"role": "assistant", "content": EDIT}
    if "bash" in names:  # it ends by a command of its own
        call = {"name": "bash", "arguments": json.dumps({"command": HAND_IN if ran else COMMAND})}
        calls = [{"id": f"call_{ran}", "type": "function", "function": call, "index": 0}]
        message = {"role": "assistant", "content": "I will mend it.", "tool_calls": calls}
    reason = "tool_calls" if "tool_calls" in message else "stop"
    usage = {
        "prompt_tokens": TOKENS_IN,
        "completion_tokens": TOKENS_OUT,
        "total_tokens": TOKENS_IN + TOKENS_OUT,
    }
    about = {"id": "chat_1", "created": 1, "model": body["model"]}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    whole = {**about, "object": "chat.completion", "choices": [choice], "usage": usage}
    chunk = {**about, "object": "chat.completion.chunk"}
    events: Events = [
        (None, {**chunk, "choices": [{"index": 0, "delta": message, "finish_reason": None}]}),
        (None, {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}),
        (None, {**chunk, "choices": [], "usage": usage}),
        (None, "[DONE]"),
    ]
    return await _answer(request, whole, events, stream=bool(body.get("stream")))


async def _generate(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    names = {
        one["name"]
        for tool in body.get("tools", [])
        for one in tool.get("functionDeclarations", [])
    }
    parts = [part for one in body["contents"] for part in one.get("parts", [])]
    said: dict[str, Any] = {"text": SAID}
    if "run_shell_command" in names and not any("functionResponse" in one for one in parts):
        given = {"command": COMMAND, "description": "Mend it"}
        said = {"functionCall": {"name": "run_shell_command", "args": given}}
    content = {"role": "model", "parts": [said]}
    whole: dict[str, Any] = {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": TOKENS_IN,
            "candidatesTokenCount": TOKENS_OUT,
            "totalTokenCount": TOKENS_IN + TOKENS_OUT,
        },
    }
    return await _answer(request, whole, [(None, whole)], stream="stream" in request.path)
