"""Simulates Gemini's wire for the Developer API and for Vertex AI: contents, candidates, signed thoughts.

Source: https://ai.google.dev/api/generate-content; fields and order as recorded.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from local.providers import answers, gemini_checks, gemini_prompt, seals, searches, tokens
from local.providers.answers import Draft, Ended
from local.providers.faults import without_directives
from local.providers.json_value import Json
from local.providers.wire import Call, Frame, FrameKind, Headers, Reply, Wire, json_reply, route

_MODELS = re.compile(r"gemini-[a-z0-9.-]+")
_LISTED = ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.0-flash", "gemini-3-flash-preview", "gemini-3-pro-preview")
_TOKENS_PER_CHUNK = 6
_FINISH = {
    Ended.STOP: "STOP",
    Ended.STOP_SEQUENCE: "STOP",
    Ended.CALLS: "STOP",
    Ended.LENGTH: "MAX_TOKENS",
    Ended.REFUSED: "SAFETY",
}
_VERBS = ("generateContent", "streamGenerateContent", "countTokens")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One of Google's two APIs. Vertex AI (`vertex`) names models by project and takes access tokens."""

    row: str
    prefix: str
    api_key: str
    models_path: str
    vertex: bool


DEVELOPER = Dialect("gemini", "/gemini", "sim-gemini-key-0001", "/v1(beta|alpha)?/models", vertex=False)
VERTEX = Dialect(
    "vertex",
    "/vertex",
    "sim-vertex-token-0001",
    "/v1(beta1)?(/projects/[^/]+/locations/[^/]+)?/publishers/google/models",
    vertex=True,
)


def wire(dialect: Dialect) -> Wire:
    """Builds the wire: generateContent, streamGenerateContent, countTokens and the model list."""
    verbs = zip(_VERBS, (_generate, _stream, _count), strict=True)
    return Wire(
        row=dialect.row,
        prefix=dialect.prefix,
        routes=(
            *(
                route("POST", f"{dialect.models_path}/(?P<model>[^/:]+):{verb}", functools.partial(answer, dialect))
                for verb, answer in verbs
            ),
            route("GET", dialect.models_path, _list_models),
            route("GET", f"{dialect.models_path}/(?P<model>[^/:]+)", _get_model),
        ),
        authorize=functools.partial(_authorize, dialect),
        question=gemini_prompt.question,
        model=lambda call: call.params.get("model", ""),
        refusal=gemini_checks.refusal,
        error_frame=_error_frame,
        garbage_frame=lambda call: _framed(call, b'{"candidates": [{"content": {"par'),
        headers=_headers,
        stamped=lambda call, body: [body] if _is_array(call) else body,
    )


def _authorize(dialect: Dialect, call: Call) -> None:
    bearer = call.headers.get("authorization", "").removeprefix("Bearer ")
    key = call.headers.get("x-goog-api-key") or call.query.get("key") or (bearer if dialect.vertex else "")
    if key == dialect.api_key:
        return
    if dialect.vertex:
        raise gemini_checks.refusal(
            401,
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
            "valid authentication credential.",
        )
    if not key:
        raise gemini_checks.refusal(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key "
            "or other form of API consumer identity to call this API.",
        )
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    raise gemini_checks.refusal(400, "API key not valid. Please pass a valid API key.", details=[info])


def _headers(_call: Call) -> Headers:
    return (("server-timing", "gfet4t7; dur=5"), ("vary", "Origin, X-Origin, Referer"))


def _require_model(model: str, verb: str) -> None:
    if not _MODELS.fullmatch(model):
        raise gemini_checks.refusal(
            404,
            f"models/{model} is not found for API version v1beta, or is not supported for {verb}. Call ListModels to "
            "see the list of available models and their supported methods.",
        )


@dataclass(frozen=True, slots=True)
class _Turn:
    """One parsed request with its answers and the tokens of both."""

    dialect: Dialect
    call: Call
    body: Json
    model: str
    drafts: tuple[Draft, ...]
    modalities: dict[str, int]
    cached_tokens: int


def _parsed(dialect: Dialect, call: Call) -> _Turn:
    model = call.params["model"]
    _require_model(model, "generateContent")
    body = gemini_checks.camel(call.body)
    gemini_checks.check(body, model, vertex=dialect.vertex)
    prompt = list(gemini_prompt.tokens_by_modality(body))
    counted = dict(Counter(modality for modality, _ in prompt))
    cached = call.memory.prefixes.read_and_write(f"{dialect.row}:{model}", [token for _, token in prompt])
    shape = call.shape
    count = (body.get("generationConfig") or {}).get("candidateCount") or 1
    drafts = tuple(
        answers.compose(gemini_prompt.model_request(body, model, variant), shape) for variant in range(count)
    )
    return _Turn(
        dialect,
        call,
        body,
        model,
        drafts,
        counted if shape.prompt_tokens is None else {"TEXT": shape.prompt_tokens},
        cached if shape.cached is None else shape.cached,
    )


def _generate(dialect: Dialect, call: Call) -> Reply:
    turn = _parsed(dialect, call)
    candidates = [_candidate(turn, i, list(_parts(turn, i, d)), d) for i, d in enumerate(turn.drafts)]
    output = sum(draft.output_tokens() for draft in turn.drafts)
    return json_reply(_response(turn, candidates, output))


def _response(turn: _Turn, candidates: list[Json], output_tokens: int) -> Json:
    response: Json = {"candidates": candidates}
    if not turn.call.shape.no_usage:
        response["usageMetadata"] = _usage(turn, output_tokens)
    response |= {"modelVersion": turn.model, "responseId": turn.call.unique_id("", 23)}
    return response


def _usage(turn: _Turn, output_tokens: int) -> Json:
    prompt = sum(turn.modalities.values())
    thoughts = min(sum(draft.reasoning_tokens for draft in turn.drafts), output_tokens)
    usage: Json = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": output_tokens - thoughts,
        "totalTokenCount": prompt + output_tokens,
        "promptTokensDetails": [{"modality": m, "tokenCount": n} for m, n in turn.modalities.items()],
    }
    found = max((_searches(turn, draft) for draft in turn.drafts), default=0) * searches.FOUND_TOKENS
    if found:
        usage |= {"toolUsePromptTokenCount": found, "totalTokenCount": prompt + found + output_tokens}
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    if turn.cached_tokens:
        usage["cachedContentTokenCount"] = turn.cached_tokens
        usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": turn.cached_tokens}]
    return usage | ({"trafficType": "ON_DEMAND"} if turn.dialect.vertex else {"serviceTier": "standard"})


def _candidate(turn: _Turn, index: int, parts: Sequence[Json], draft: Draft | None) -> Json:
    content: Json = {"role": "model"}
    if parts:
        content = {"parts": list(parts), "role": "model"}
    candidate: Json = {"content": content}
    if draft is not None:
        candidate["finishReason"] = _FINISH[draft.ended]
        candidate |= _extras(turn, draft)
    return candidate | {"index": index}


def _extras(turn: _Turn, draft: Draft) -> Json:
    extras: Json = {}
    if draft.ended is Ended.CALLS:
        extras["finishMessage"] = "Model generated function call(s)."
    if (turn.body.get("generationConfig") or {}).get("responseLogprobs"):
        chosen = [_logprob(token) for token in tokens.split(draft.text)]
        extras["logprobsResult"] = {"chosenCandidates": chosen, "topCandidates": [{"candidates": [c]} for c in chosen]}
        extras["avgLogprobs"] = sum(c["logProbability"] for c in chosen) / max(len(chosen), 1)
    if gemini_checks.offered_searches(turn.body):
        extras["groundingMetadata"] = _grounding(turn, draft)
    return extras


def _searches(turn: _Turn, draft: Draft) -> int:
    """The searches that the model makes: none before it calls a function, or refuses."""
    silent = draft.calls or draft.ended is Ended.REFUSED or not gemini_checks.offered_searches(turn.body)
    return 0 if silent else searches.wanted(turn.call.shape)


def _logprob(token: str) -> Json:
    digest = hashlib.sha256(token.encode()).digest()
    return {"token": token, "tokenId": digest[1] * 256 + digest[2], "logProbability": -digest[0] / 1024}


def _grounding(turn: _Turn, draft: Draft) -> Json:
    count = _searches(turn, draft)
    if not count:
        return {}
    asked = without_directives(gemini_prompt.question(turn.body))
    place = "maps" if "googleMaps" in gemini_checks.offered_searches(turn.body) else "web"
    segment = {"startIndex": 0, "endIndex": len(draft.text.encode()), "text": draft.text}
    queries = {"webSearchQueries": [searches.query(asked, number) for number in range(count)]}
    return {
        **({} if place == "maps" else queries),
        "groundingChunks": [{place: {"uri": searches.SOURCE["url"], "title": "example.com"}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
    }


def _parts(turn: _Turn, index: int, draft: Draft) -> Iterator[Json]:
    config = (turn.body.get("generationConfig") or {}).get("thinkingConfig") or {}
    if config.get("includeThoughts") and draft.reasoning:
        yield {"text": draft.reasoning, "thought": True}
    if draft.ended is Ended.REFUSED:
        return
    if draft.text:
        signed = _signed(turn, draft, "") if not draft.calls and _signs_always(turn) else {}
        yield {"text": draft.text} | signed
    for position, each in enumerate(draft.calls):
        call: Json = {"name": each.name, "args": _whole_arguments(each.arguments)}
        if turn.model.startswith("gemini-3") and not turn.dialect.vertex:
            call["id"] = turn.call.stable_id("", index * 1000 + position, 8)
        yield {"functionCall": call} | (_signed(turn, draft, each.name) if position == 0 else {})


def _signs_always(turn: _Turn) -> bool:
    return turn.model.startswith("gemini-3")


def _signed(turn: _Turn, draft: Draft, function: str) -> Json:
    """Builds a signature, bound to the function whose call it comes with."""
    if not draft.reasoning and not _signs_always(turn):
        return {}
    sealed = seals.seal(gemini_checks.SIGNATURE, function, draft.reasoning)
    return {"thoughtSignature": seals.as_bytes_field(sealed)}


def _whole_arguments(arguments: str) -> Json:
    """Parses the arguments of a call; a call cut short by `maxOutputTokens` has no readable arguments."""
    try:
        return dict(orjson.loads(arguments))
    except orjson.JSONDecodeError:
        return {}


def _is_array(call: Call) -> bool:
    return call.path.endswith(":streamGenerateContent") and call.query.get("alt") != "sse"


def _stream(dialect: Dialect, call: Call) -> Reply:
    turn = _parsed(dialect, call)
    if _is_array(call):
        return Reply(200, (("content-type", "application/json; charset=UTF-8"),), _array(_frames(turn)))
    return Reply(200, (("content-type", "text/event-stream"),), _frames(turn))


def _array(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Frames a stream as elements of one JSON array. The bracket is closed last."""
    for index, frame in enumerate(frames):
        yield Frame(frame.kind, (b",\r\n" if index else b"[") + frame.data)
    yield Frame(FrameKind.STRUCTURE, b"]")


def _framed(call: Call, data: bytes) -> bytes:
    return b",\r\n" + data if _is_array(call) else b"data: " + data + b"\r\n\r\n"


def _error_frame(call: Call) -> bytes:
    body = gemini_checks.refusal(503, "The model is overloaded. Please try again later.").body
    return _framed(call, orjson.dumps(body)) + (b"]" if _is_array(call) else b"")


def _frames(turn: _Turn) -> Iterator[Frame]:
    sse = not _is_array(turn.call)
    output = 0
    for index, draft in enumerate(turn.drafts):
        output += draft.reasoning_tokens
        pieces = list(_pieces(turn, index, draft))
        for position, part in enumerate(pieces):
            output += _said_tokens(part)
            last = position == len(pieces) - 1
            candidate = _candidate(turn, index, [part], draft if last else None)
            body = orjson.dumps(_response(turn, [candidate], output))
            yield Frame(FrameKind.DONE if last else FrameKind.CONTENT, b"data: " + body + b"\r\n\r\n" if sse else body)


def _said_tokens(part: Json) -> int:
    if part.get("thought"):
        return 0
    if "functionCall" in part:
        return tokens.count(part["functionCall"]["name"]) + tokens.count(
            orjson.dumps(part["functionCall"]["args"]).decode()
        )
    return tokens.count(part["text"])


def _pieces(turn: _Turn, index: int, draft: Draft) -> Iterator[Json]:
    """Yields the parts of one candidate as they are streamed. The last has the finish reason and may be empty."""
    tail: Json = {"text": ""}
    for part in _parts(turn, index, draft):
        if "functionCall" in part:
            yield part
            continue
        chunks = None if part.get("thought") else turn.call.shape.chunks
        for piece in tokens.cut(part["text"], _TOKENS_PER_CHUNK, chunks):
            yield {"text": piece} | ({"thought": True} if part.get("thought") else {})
        tail |= {name: value for name, value in part.items() if name == "thoughtSignature"}
    yield tail


def _count(dialect: Dialect, call: Call) -> Reply:
    _require_model(call.params["model"], "countTokens")
    body = gemini_checks.camel(call.body)
    body = body.get("generateContentRequest") or body
    gemini_checks.check(body, call.params["model"], vertex=dialect.vertex)
    counted = Counter(modality for modality, _ in gemini_prompt.tokens_by_modality(body))
    details = [{"modality": modality, "tokenCount": count} for modality, count in counted.items()]
    return json_reply({"totalTokens": counted.total(), "promptTokensDetails": details})


def _list_models(_call: Call) -> Reply:
    return json_reply({"models": [_model(name) for name in _LISTED]})


def _get_model(call: Call) -> Reply:
    _require_model(call.params["model"], "GetModel")
    return json_reply(_model(call.params["model"]))


def _model(name: str) -> Json:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "thinking": bool(gemini_prompt.THINKING_MODELS.match(name)),
    }
