"""Lists the replacements for everything that a provider's wire says and a client's wire cannot, with the reasons.

Written from the wires' documents and docs/bridging.md, not from the codecs, because it judges the codecs. Everything
that is not listed here must come through equal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from tests.fidelity.seen import CallSeen, ChoiceSeen, Seen, UsageSeen

_FILTERED = (
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR",
)  # fmt: skip

# The meaning of each wire's word for the end. An unknown word fails the trial, so that none is guessed.
MEANINGS: Mapping[str, Mapping[str, str]] = {
    # https://platform.openai.com/docs/api-reference/chat/object#finish_reason; `error` is Mistral's and OpenRouter's,
    # `model_length` Mistral's, `eos` Together's, `sensitive` Zhipu's.
    "openai_chat": {
        "stop": "stop",
        "eos": "stop",
        "length": "length",
        "model_length": "length",
        "tool_calls": "tool_calls",
        "function_call": "tool_calls",
        "content_filter": "content_filter",
        "sensitive": "content_filter",
        "error": "error",
    },
    # https://platform.openai.com/docs/api-reference/responses/object#status
    "openai_responses": {
        "completed": "stop",
        # Some providers that speak this wire write it so.
        "complete": "stop",
        "incomplete:max_output_tokens": "length",
        "incomplete:content_filter": "content_filter",
        "failed": "error",
    },
    # https://docs.claude.com/en/api/handling-stop-reasons
    "anthropic_messages": {
        "end_turn": "stop",
        "stop_sequence": "stop_sequence",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "pause_turn": "pause",
        "compaction": "pause",
        "refusal": "refusal",
    },
    # https://ai.google.dev/api/generate-content#FinishReason; a refused prompt has no candidate to end.
    "gemini": {
        "STOP": "stop",
        "MAX_TOKENS": "length",
        "MALFORMED_FUNCTION_CALL": "malformed_tool_call",
        "UNEXPECTED_TOOL_CALL": "malformed_tool_call",
        "OTHER": "error",
        **dict.fromkeys(_FILTERED, "content_filter"),
        **dict.fromkeys((f"blocked:{word}" for word in _FILTERED), "content_filter"),
    },
    # https://docs.cohere.com/reference/chat#response.body.finish_reason
    "cohere_chat": {
        "COMPLETE": "stop",
        "STOP_SEQUENCE": "stop_sequence",
        "MAX_TOKENS": "length",
        "TOOL_CALL": "tool_calls",
        "ERROR:INVALID_TOOL_GENERATION": "malformed_tool_call",
        "ERROR": "error",
        "TIMEOUT": "error",
    },
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_ResponseSyntax
    "bedrock_converse": {
        "end_turn": "stop",
        "stop_sequence": "stop_sequence",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "guardrail_intervened": "content_filter",
        "content_filtered": "content_filter",
    },
}

# The word of each client's wire. If it has no word, the nearest one, as the comment says.
WORDS: Mapping[str, Mapping[str, str]] = {
    "openai_chat": {
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "content_filter": "content_filter",
        # The wire does not say which stop it was, nor that the provider paused.
        "stop_sequence": "stop",
        "pause": "stop",
        # The filter's end is nearest to a model's refusal as an end.
        "refusal": "content_filter",
        # The SDK's types have no word for a failed end.
        "malformed_tool_call": "stop",
        "error": "stop",
    },
    "openai_completions": {
        "stop": "stop",
        "length": "length",
        "content_filter": "content_filter",
        "refusal": "content_filter",
        # The wire has no tools, and no word for any end but these three.
        "tool_calls": "stop",
        "stop_sequence": "stop",
        "pause": "stop",
        "malformed_tool_call": "stop",
        "error": "stop",
    },
    "openai_responses": {
        "stop": "completed",
        # A call is an item, not an end, and neither is a stop sequence or a pause.
        "tool_calls": "completed",
        "stop_sequence": "completed",
        "pause": "completed",
        "length": "incomplete:max_output_tokens",
        "content_filter": "incomplete:content_filter",
        "refusal": "incomplete:content_filter",
        "malformed_tool_call": "failed",
        "error": "failed",
    },
    "anthropic_messages": {
        "stop": "end_turn",
        "stop_sequence": "stop_sequence",
        "length": "max_tokens",
        "tool_calls": "tool_use",
        "pause": "pause_turn",
        "refusal": "refusal",
        # The wire has one word for a refusal by the model and by the filter.
        "content_filter": "refusal",
        # The wire has no word for a failed end.
        "malformed_tool_call": "end_turn",
        "error": "end_turn",
    },
    "gemini": {
        "stop": "STOP",
        # A call ends with a plain stop on this wire, and so do a stop sequence and a pause.
        "tool_calls": "STOP",
        "stop_sequence": "STOP",
        "pause": "STOP",
        "length": "MAX_TOKENS",
        # The word for a filter of unknown kind is nearest to a model's refusal.
        "content_filter": "SAFETY",
        "refusal": "SAFETY",
        "malformed_tool_call": "MALFORMED_FUNCTION_CALL",
        "error": "OTHER",
    },
}

# Ends that count less than a call that could be read: some wires, and some providers of the others, end a call with a
# plain stop (field case F5), and Gemini calls one unexpected or malformed.
_UNSURE = frozenset({"stop", "malformed_tool_call"})

# The token classes that a wire's usage has a member for. The others are part of `prompt` or `output` there.
COUNTED: Mapping[str, frozenset[str]] = {
    "openai_chat": frozenset(
        {"prompt", "cache_read", "cache_write", "output", "reasoning", "audio_input", "audio_output"}
    ),
    "openai_completions": frozenset({"prompt", "cache_read", "cache_write", "output", "reasoning"}),
    "openai_responses": frozenset({"prompt", "cache_read", "cache_write", "output", "reasoning"}),
    "anthropic_messages": frozenset({"prompt", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning"}),
    # Google bills the storage of a cache by the hour, so that writing to one is no class of tokens.
    "gemini": frozenset({"prompt", "cache_read", "output", "reasoning", "audio_input", "audio_output"}),
}

# Counts that an SDK's streaming class does not sum up, though its events report them: anthropic-python takes the
# cache's lifetimes from `message_start` alone, which is sent before providers of other wires have counted.
UNSUMMED: Mapping[str, frozenset[str]] = {"anthropic_messages": frozenset({"cache_write_1h"})}

# Wires with a separate member for a model's refusal. Elsewhere it is text, since a user should read it.
REFUSES = frozenset({"openai_chat", "openai_responses"})
# Wires with several alternatives. Elsewhere an answer that its provider split over some is joined (field case E8).
ALTERNATIVES = frozenset({"openai_chat", "openai_completions", "gemini"})
# Wires without thinking and calls. A caller of such a wire cannot have sent tools.
TEXT_ALONE = frozenset({"openai_completions"})
# Arguments are the text that the model wrote; elsewhere they are an object.
TEXT_ARGUMENTS = frozenset({"openai_chat", "openai_responses"})


def expected(original: Seen, upstream: str, client: str) -> Seen:
    """Computes the reading of the client's SDK from the reading of the provider's own SDK.

    Raises `KeyError` on unknown words.
    """
    if upstream == client:
        return original
    choices = tuple(_choice(choice, upstream, client) for choice in original.choices)
    if client not in ALTERNATIVES:
        choices = (_joined(choices, client),)
    return Seen(choices, _usage(original.usage, client), original.error, original.status)


def _choice(choice: ChoiceSeen, upstream: str, client: str) -> ChoiceSeen:
    text, refusal = choice.text, choice.refusal
    if client not in REFUSES:
        text, refusal = text + refusal, ""
    finish = _finish(choice, upstream, client)
    if client in TEXT_ALONE:
        return ChoiceSeen(text, refusal, finish=finish)
    calls = tuple(_call(call, client) for call in choice.calls)
    return ChoiceSeen(text, refusal, choice.thinking, calls, finish)


def _finish(choice: ChoiceSeen, upstream: str, client: str) -> str:
    """Returns the client's word. An answer that came whole without one ended by itself."""
    meaning = MEANINGS[upstream][choice.finish] if choice.finish is not None else "stop"
    if choice.calls and meaning in _UNSURE:
        meaning = "tool_calls"
    return WORDS[client][meaning]


def _call(call: CallSeen, client: str) -> CallSeen:
    """Adapts a call to object arguments: free text is under `input`, a value that is no object under `arguments`."""
    if client in TEXT_ARGUMENTS:
        return call
    arguments = call.arguments
    if not isinstance(arguments, dict):
        arguments = {"input" if call.custom else "arguments": arguments}
    return CallSeen(call.name, arguments, call.id)


def _joined(choices: tuple[ChoiceSeen, ...], client: str) -> ChoiceSeen:
    if not choices:
        return ChoiceSeen(finish=WORDS[client]["stop"])
    calling = (choice for choice in choices if choice.calls)
    return ChoiceSeen(
        text="".join(choice.text for choice in choices),
        refusal="".join(choice.refusal for choice in choices),
        thinking="".join(choice.thinking for choice in choices),
        calls=tuple(call for choice in choices for call in choice.calls),
        finish=next(calling, choices[-1]).finish,
    )


def summed_up(wanted: Seen, client: str) -> Seen:
    """Computes the sum that the SDK's streaming class should produce from it."""
    return replace(wanted, usage=_without(wanted.usage, UNSUMMED.get(client, frozenset())))


def told(seen: Seen) -> Seen:
    """Adapts a reading whose end is a failure that the SDK does not raise: a response that failed."""
    failed = any(choice.finish == "failed" for choice in seen.choices)
    return replace(seen, error="response.failed") if failed else seen


def _usage(usage: UsageSeen | None, client: str) -> UsageSeen | None:
    return _without(usage, UsageSeen.__dataclass_fields__.keys() - COUNTED[client])


def _without(usage: UsageSeen | None, classes: Collection[str]) -> UsageSeen | None:
    if usage is None:
        return None
    return replace(usage, **dict.fromkeys(classes, 0))
