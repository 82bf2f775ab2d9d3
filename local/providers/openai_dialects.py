"""Lists the providers that speak OpenAI's chat wire with oddities of their own, a row each.

The oddities are those of the gateway's own goldens (tests/golden/openai_chat) and of the vendors' documents: where the
counts stand, what reasoning is called, what surrounds an answer, and the shape of errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from local.providers import media_xai
from local.providers.json_value import Json
from local.providers.openai_shapes import Dialect

_FILTERS: Json = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
_PAGE = {"title": "Simulated page", "url": "https://pages.example/1", "date": "2026-01-02"}
_NOTHING: re.Pattern[str] = re.compile(r"(?!)")


def _azure(chunk: Json) -> Json:
    for choice in chunk["choices"]:
        choice["content_filter_results"] = _FILTERS
    return chunk if "usage" in chunk and chunk["object"] == "chat.completion.chunk" else chunk | _PROMPT_FILTERED


_PROMPT_FILTERED: Json = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _FILTERS}]}


def _groq(body: Json) -> Json:
    """Moves the counts of a stream under `x_groq`."""
    told: Json = {"id": "req_simulated"}
    if body["object"] == "chat.completion.chunk" and body.get("usage"):
        told["usage"] = body.pop("usage")
    return body | {"x_groq": told}


def _mistral(body: Json) -> Json:
    """Writes reasoning as typed content."""
    for choice in body["choices"]:
        said = choice.get("delta") or choice.get("message") or {}
        thought = said.pop("reasoning_content", None)
        if thought:
            block = {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}
            text = said.get("content")
            said["content"] = [block, {"type": "text", "text": text}] if text else [block]
    return body


def _openrouter(body: Json) -> Json:
    for choice in body["choices"]:
        choice["native_finish_reason"] = choice.get("finish_reason")
        said = choice.get("delta") or choice.get("message") or {}
        if said.get("reasoning"):
            said["reasoning_details"] = [{"type": "reasoning.text", "text": said["reasoning"], "index": 0}]
    return body | {"provider": "Simulated"}


def _moonshot(body: Json) -> Json:
    """Moves the counts of a stream into its last choice."""
    usage = body.get("usage")
    if body["object"] == "chat.completion.chunk" and usage and not body["choices"]:
        del body["usage"]
        body["choices"] = [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage}]
    return body


def _beside(body: Json) -> Json:
    """Counts reasoning beside the completion, as xAI does."""
    usage = body.get("usage")
    if usage:
        usage["completion_tokens"] -= usage["completion_tokens_details"]["reasoning_tokens"]
    return body


def _perplexity(body: Json) -> Json:
    return body | {"citations": [_PAGE["url"]], "search_results": [_PAGE]}


def _minimax(body: Json) -> Json:
    return body | {"base_resp": {"status_code": 0, "status_msg": ""}}


Error = Callable[[int, Json], tuple[int, Json]]


def _bare_error(status: int, error: Json) -> tuple[int, Json]:
    """Leaves out the member around the error."""
    return status, {"object": "error", **error}


def _xai_error(status: int, error: Json) -> tuple[int, Json]:
    return status, {"code": str(error["code"] or error["type"]), "error": error["message"]}


def _openrouter_error(status: int, error: Json) -> tuple[int, Json]:
    return status, {"error": {"code": status, "message": error["message"]}, "user_id": "user_simulated01"}


def _zhipu_error(status: int, error: Json) -> tuple[int, Json]:
    code = {401: "1000", 429: "1302", 400: "1210"}.get(status, "1234")
    return status, {"error": {"code": code, "message": error["message"]}}


def _minimax_error(status: int, error: Json) -> tuple[int, Json]:
    """Refuses with status 200."""
    code = {401: 1004, 429: 1002, 504: 1001, 400: 2013}.get(status, 1000)
    return 200, {"choices": None, "base_resp": {"status_code": code, "status_msg": error["message"]}}


def _row(
    row: str,
    models: str,
    *,
    prefix: str = "",
    api_key: str = "",
    thinks: str = "",
    thought: str = "",
    odd: Callable[[Json], Json] | None = None,
    error: Error | None = None,
    **more: Any,
) -> Dialect:
    return Dialect(
        row=row,
        prefix=prefix or f"/{row}/v1",
        api_key=api_key or f"sim-{row}-key-0001",
        models=re.compile(models),
        listed=(),
        thought=thought,
        thinks=re.compile(thinks) if thinks else _NOTHING,
        odd=odd,
        error=error,
        **more,
    )


AZURE = _row(
    "azure",
    r"(gpt-|o\d|grok|deepseek|llama|mistral).*",
    prefix="/azure",
    odd=_azure,
    table="openai_chat",
    key_header="api-key",
    path="/openai/(v1|deployments/[^/]+)/chat/completions",
    thinks=r"(o\d|gpt-5)(?!.*-chat).*",
)
DIALECTS = (
    AZURE,
    _row("xai", r"grok-.+", thought="reasoning_content", thinks=r"grok-(4|3-mini).*", odd=_beside, error=_xai_error,
         table="xai", api_key=media_xai.API_KEY),
    _row("groq", r".+", prefix="/groq/openai/v1", thought="reasoning", thinks=r"openai/gpt-oss.*|qwen/.*", odd=_groq,
         table="groq"),
    _row("mistral", r"(mistral|magistral|ministral|codestral|devstral|pixtral|open-).+", thought="reasoning_content",
         thinks=r"magistral-.*", odd=_mistral, error=_bare_error, table="mistral",
         always_counts=True,
         unknown=("stream_options", "seed", "user", "max_completion_tokens", "logit_bias", "store")),
    _row("openrouter", r".+/.+", prefix="/openrouter/api/v1", thought="reasoning", thinks=r".*(thinking|r1|oss).*",
         odd=_openrouter, error=_openrouter_error, table="compatible", comment=b": OPENROUTER PROCESSING\n\n"),
    _row("together", r".+/.+", table="compatible", thought="reasoning", thinks=r".*(R1|Thinking|gpt-oss).*"),
    _row("fireworks", r"accounts/.+", prefix="/fireworks/inference/v1", table="compatible",
         thought="reasoning_content", thinks=r".*(thinking|r1|gpt-oss).*"),
    _row("cerebras", r"(gpt-oss|llama|qwen|zai).+", table="cerebras", thought="reasoning", thinks=r"gpt-oss.*",
         error=_bare_error, unknown=("frequency_penalty", "presence_penalty", "logit_bias", "service_tier")),
    _row("perplexity", r"sonar.*|r1-.*", prefix="/perplexity", table="perplexity", odd=_perplexity),
    _row("qwen", r"(qwen|qwq|qvq).+", prefix="/qwen/compatible-mode/v1", table="qwen", thought="reasoning_content",
         thinks=r"qwq-.*|qwen3-.*-thinking.*"),
    _row("moonshot", r"(kimi|moonshot)-.+", table="moonshot", thought="reasoning_content", thinks=r".*-thinking.*",
         odd=_moonshot),
    _row("zhipu", r"glm-.+", prefix="/zhipu/api/paas/v4", table="zhipu", thought="reasoning_content",
         thinks=r"glm-4\.[5-9].*|glm-5.*", error=_zhipu_error),
    _row("minimax", r"(MiniMax|abab).+", table="minimax", thought="reasoning_content", thinks=r"MiniMax-M.*",
         odd=_minimax, error=_minimax_error),
)  # fmt: skip
