"""Request members that OpenAI's wires share: chat, legacy completions and responses read, bound and write them alike.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gateway.canonical.parts import InlineMedia, Part, Text
from gateway.protocols.shared.document import Node, boolean_in

_METADATA_PAIRS_MAX = 16
_STOPS_MAX = 4
_BIAS_TOKENS_MAX = 1024


def stop_in(root: Node) -> tuple[str, ...]:
    """The stop sequences; one may stand without an array."""
    stop = root.member("stop")
    if stop is None:
        return ()
    if isinstance(stop.value, str):
        return (stop.value,)
    if not isinstance(stop.value, list):
        raise stop.wrong_type("one of a string or array of strings")
    return tuple(element.as_string() for element in stop.elements(0, _STOPS_MAX))


def logit_bias_in(root: Node) -> dict[str, float] | None:
    """Biases by token id."""
    bias = root.member("logit_bias")
    if bias is None:
        return None
    entries = bias.as_object()
    if len(entries) > _BIAS_TOKENS_MAX:
        raise bias.error(f"Invalid 'logit_bias': at most {_BIAS_TOKENS_MAX} tokens can be biased.")
    for token in entries:
        if not token.isdecimal():
            raise bias.error("Invalid 'logit_bias': expected token ids as keys.", "invalid_logit_bias")
    return {token: Node(value, bias, token).as_number(-100, 100) for token, value in entries.items()}


def include_usage_in(root: Node, stream: bool) -> bool:
    """True if the caller wants usage at the end of a stream. Raises if there is no stream."""
    options = root.member("stream_options")
    if options is None:
        return False
    if not stream:
        raise options.error("The 'stream_options' parameter is only allowed when 'stream' is enabled.", None)
    return boolean_in(options, "include_usage") or False


def metadata_in(root: Node) -> dict[str, Any]:
    """The caller's own pairs of a name and a text."""
    metadata = root.member("metadata")
    if metadata is None:
        return {}
    pairs = metadata.as_object()
    if len(pairs) > _METADATA_PAIRS_MAX:
        raise metadata.error(f"Invalid 'metadata': at most {_METADATA_PAIRS_MAX} pairs are allowed.")
    for name, value in pairs.items():
        Node(name, metadata, name).as_string(0, 64)
        Node(value, metadata, name).as_string(0, 512)
    return pairs


def encode_content(
    parts: Iterable[Part], path: str, encode_part: Callable[[Part, str], dict[str, Any]]
) -> str | list[dict[str, Any]]:
    """A plain string where there is one plain text, which every dialect reads; else the list of parts."""
    listed = list(parts)
    if len(listed) == 1 and isinstance(listed[0], Text):
        return listed[0].text
    return [encode_part(part, f"{path}.content[{position}]") for position, part in enumerate(listed)]


def data_url(media: InlineMedia) -> str:
    """The address that carries the bytes in itself."""
    return f"data:{media.media_type};base64,{media.data_base64}"
