"""A legacy completion request to canonical form: each prompt is the one user turn of a conversation.

Members and bounds are those of https://platform.openai.com/docs/api-reference/completions/create, with the gateway's
own (`models`, `provider`, `max_price`) beside them. What a chat model cannot do is refused here, by name. What the wire
does not know goes to `unmapped`, which is refused on the way out, since no provider speaks this wire.
"""

from __future__ import annotations

from gateway.canonical.parts import Message, Text
from gateway.canonical.request import ChatRequest, Sampling
from gateway.protocols.openai_completions.answer import PROMPTS, PROTOCOL
from gateway.protocols.shared.document import Node, boolean_in, integer_in, number_in, parse, string_in
from gateway.protocols.shared.openai_members import include_usage_in, logit_bias_in, stop_in
from gateway.protocols.shared.preferences import OWN_MEMBERS, decode_preferences, refuse_upstream_members, unread_bytes

_INTEGER_MAX = 2**31 - 1
_SEED_MAX = 2**63 - 1
_CHOICES_MAX = 128
_BEST_OF_MAX = 20
_LOGPROBS_MAX = 5
# As many as LangChain asks at once.
_PROMPTS_MAX = 20
_PROMPT_TYPES = "one of a string, array of strings, array of integers, or array of integer arrays"
_UNSUPPORTED = "unsupported_value"

_KNOWN = OWN_MEMBERS | frozenset(
    {
        "best_of",
        "echo",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_tokens",
        "model",
        "n",
        "presence_penalty",
        "prompt",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "suffix",
        "temperature",
        "top_p",
        "user",
    }
)


def decode_request(body: bytes) -> ChatRequest:
    """The canonical request; raises `InvalidRequest` with the JSON path of what is wrong."""
    root = parse(body)
    refuse_upstream_members(root, "Unrecognized request argument supplied: {name}")
    stream = boolean_in(root, "stream") or False
    prompts = _prompts(root.required("prompt"), stream)
    first, *others = [(Message("user", (Text(prompt),)),) for prompt in prompts]
    choices = _choices(root)
    _check_suffix(root)
    return ChatRequest(
        protocol=PROTOCOL,
        model=root.required("model").as_string(minimum=1),
        messages=first,
        batch=tuple(others),
        source=body,
        stream=stream,
        include_usage=include_usage_in(root, stream),
        choices=choices,
        max_output_tokens=integer_in(root, "max_tokens", 1, _INTEGER_MAX),
        sampling=_sampling(root),
        user=string_in(root, "user"),
        routing=decode_preferences(root, body),
        unread_bytes=unread_bytes(root),
        unmapped={name: value for name, value in root.as_object().items() if name not in _KNOWN and value is not None},
        echo={PROMPTS: [prompt for prompt in prompts for _ in range(choices)]} if _echoes(root) else {},
    )


def _prompts(prompt: Node, stream: bool) -> list[str]:
    """The texts to complete; most SDKs send one in an array of its own."""
    if isinstance(prompt.value, str):
        return [prompt.as_string(minimum=1)]
    if not isinstance(prompt.value, list):
        raise prompt.wrong_type(_PROMPT_TYPES)
    elements = prompt.elements(minimum=1)
    if all(map(_is_token, prompt.value)) or all(map(_is_tokens, prompt.value)):
        raise prompt.error(
            "Invalid 'prompt': token ids mean something to the model's own tokenizer only, and this model is asked in "
            "text. Decode them and send a string.",
            _UNSUPPORTED,
        )
    texts = [element.as_string(minimum=1) for element in elements]
    if len(texts) > _PROMPTS_MAX:
        raise prompt.error(f"Invalid 'prompt': at most {_PROMPTS_MAX} prompts a request, but got {len(texts)}.")
    if stream and len(texts) > 1:
        raise prompt.error(
            f"Invalid 'prompt': a stream completes one prompt, but got {len(texts)}. Send a request for each prompt, "
            "or leave out 'stream'.",
            _UNSUPPORTED,
        )
    return texts


def _is_token(value: object) -> bool:
    return type(value) is int


def _is_tokens(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_token, value))


def _check_suffix(root: Node) -> None:
    """An empty suffix asks for what happens anyway."""
    suffix = root.member("suffix")
    if suffix is not None and suffix.as_string():
        raise suffix.error(
            "Unsupported parameter: 'suffix' needs a model that inserts text, and chat models continue it only.",
            "unsupported_parameter",
        )


def _choices(root: Node) -> int:
    """Reads the number of answered alternatives; the gateway ranks no more than that."""
    count = integer_in(root, "n", 1, _CHOICES_MAX) or 1
    best_of = root.member("best_of")
    if best_of is not None and best_of.as_integer(1, _BEST_OF_MAX) != count:
        raise best_of.error(
            f"Invalid 'best_of': completions are not ranked here, so that it can only equal 'n', which is {count}, "
            f"but got {best_of.value}.",
            _UNSUPPORTED,
        )
    return count


def _echoes(root: Node) -> bool:
    """Chat models do not tell how likely a prompt is, which is what both members together ask for."""
    wanted, scored = boolean_in(root, "echo") or False, root.member("logprobs")
    if wanted and scored is not None:
        raise scored.error(
            "Invalid 'logprobs': the log probabilities of an echoed prompt are not available from chat models. "
            "Leave out 'logprobs' or 'echo'.",
            _UNSUPPORTED,
        )
    return wanted


def _sampling(root: Node) -> Sampling:
    logprobs = integer_in(root, "logprobs", 0, _LOGPROBS_MAX)
    return Sampling(
        temperature=number_in(root, "temperature", 0, 2),
        top_p=number_in(root, "top_p", 0, 1),
        seed=integer_in(root, "seed", -_SEED_MAX - 1, _SEED_MAX),
        stop=stop_in(root),
        presence_penalty=number_in(root, "presence_penalty", -2, 2),
        frequency_penalty=number_in(root, "frequency_penalty", -2, 2),
        logit_bias=logit_bias_in(root),
        logprobs=logprobs is not None,
        top_logprobs=logprobs or None,
    )
