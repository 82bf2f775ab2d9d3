"""Lists the blocks of an Anthropic prompt with their tokens, in the order tools, system, messages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import orjson

from local.providers import tokens
from local.providers.block_cache import Block
from local.providers.json_value import Json, JsonValue

_IMAGE_TOKENS = 1500
_PAGE_TOKENS = 2000


def blocks(body: Json) -> list[Block]:
    """Lists every block of the prompt, in the order in which it is cached."""
    found = [*_tool_blocks(body), *_system_blocks(body), *_message_blocks(body)]
    automatic = body.get("cache_control")
    if automatic and found:
        found[-1] = Block(found[-1].path, found[-1].tokens, automatic.get("ttl", "5m"))
    return found


def _tool_blocks(body: Json) -> Iterator[Block]:
    for index, tool in enumerate(body.get("tools") or ()):
        yield Block(f"tools.{index}", tokens.split(orjson.dumps(_bare(tool)).decode()), _ttl(tool))


def _system_blocks(body: Json) -> Iterator[Block]:
    for index, part in enumerate(parts(body.get("system"))):
        yield Block(f"system.{index}", tokens.split(part["text"]), _ttl(part))


def _message_blocks(body: Json) -> Iterator[Block]:
    for index, message in enumerate(body["messages"]):
        for position, part in enumerate(parts(message.get("content"))):
            framing = [f"<{message['role']}>", "<turn>", "</turn>"] if position == 0 else []
            path = f"messages.{index}.content.{position}"
            yield Block(path, framing + _part_tokens(part), _ttl(part))


def parts(content: JsonValue) -> list[Json]:
    """Lists the blocks of a content; a string is one text block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _part_tokens(part: Json) -> list[str]:
    kind = part.get("type")
    if kind == "text":
        return tokens.split(part["text"])
    if kind == "thinking":
        return tokens.split(part.get("thinking", ""))
    if kind in {"image", "document"}:
        digest = hashlib.sha256(orjson.dumps(_bare(part))).hexdigest()
        return [f"<{digest}>"] * (_IMAGE_TOKENS if kind == "image" else _PAGE_TOKENS)
    if kind == "tool_result":
        inner = [_part_tokens(each) for each in parts(part.get("content"))]
        return tokens.split(part["tool_use_id"]) + [token for each in inner for token in each]
    return tokens.split(orjson.dumps(_bare(part)).decode())


def _bare(part: Json) -> Json:
    return {name: value for name, value in part.items() if name != "cache_control"}


def _ttl(part: Json) -> str | None:
    control = part.get("cache_control")
    return control.get("ttl", "5m") if isinstance(control, dict) else None
