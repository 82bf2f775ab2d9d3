"""Request members that OpenAI's chat wire and its legacy completions share, read and bounded alike.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from gateway.framing.document import Node, boolean_in

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
    """Whether the caller wants to see usage at the end of a stream; raises where there is no stream to end."""
    options = root.member("stream_options")
    if options is None:
        return False
    if not stream:
        raise options.error("The 'stream_options' parameter is only allowed when 'stream' is enabled.", None)
    return boolean_in(options, "include_usage") or False
