"""Judges one answer by the contract: its status, the shape of its errors, its headers, and what it left open."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.errors import UNFORESEEN
from tests.fuzz.cases import Case
from tests.fuzz.gateway import Answer, World
from tests.http.contract import judge_answer
from tests.template.families import streamed

# Types of errors on OpenAI's wire, by status (section 5 of the public contract).
TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "insufficient_balance", 403: "permission_error",
    404: "invalid_request_error", 405: "invalid_request_error", 408: "timeout_error", 409: "conflict_error",
    413: "invalid_request_error", 415: "invalid_request_error", 429: "rate_limit_error",
}  # fmt: skip
# Google's words for statuses. https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
GOOGLE_STATUS = re.compile(r"[A-Z_]+")
WINDOW = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
GENERATING = re.compile(r".*:(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)")

# Headers of other vendors' SDKs, which have shapes of their own for models and files.
OTHERS = frozenset({"anthropic-version", "x-goog-api-key"})
COHERES = frozenset({"/v1/embed", "/v2/embed", "/v2/rerank"})


class Broken(AssertionError):
    """An answer that breaks the contract."""


def judge(case: Case, answer: Answer, world: World) -> None:
    """Raises `Broken` for an answer that breaks the contract."""
    _expect(answer.fault is None, f"the function failed: {answer.fault}")
    _expect(100 <= answer.status < 500, f"status {answer.status}: {answer.body[:300]!r}")
    _expect(UNFORESEEN.encode() not in answer.body, f"an unforeseen error in {answer.body[-300:]!r}")
    _judge_headers(answer)
    if case.method != "HEAD":
        _judge_body(case, answer)
    _judge_money(world)


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


def _judge_headers(answer: Answer) -> None:
    for name in WINDOW:
        _expect(answer.headers.get(name, "").isdecimal(), f"{name}: {answer.headers.get(name)!r}")
    _expect(bool(answer.headers.get("x-trace-id")), "no X-Trace-ID")
    if answer.status == 429:
        _expect(answer.headers.get("retry-after", "").isdecimal(), "no Retry-After")


def _judge_body(case: Case, answer: Answer) -> None:
    content_type = answer.headers.get("content-type", "").partition(";")[0]
    length = answer.headers.get("content-length")
    _expect(length is None or int(length) == len(answer.body), f"Content-Length {length} of {len(answer.body)}")
    if answer.status >= 400:
        _expect(content_type == "application/json", f"an error of type {content_type!r}")
        _SHAPES[wire_of(case, answer.family)](_parsed(answer.body), answer.status)
        return
    if not _is_shown_otherwise(case, answer.family):
        judge_answer(case.method, case.path, answer.status, answer.headers.get("content-type", ""), answer.body)
    if content_type == "application/json":
        _parsed(answer.body)
    elif content_type == "text/event-stream":
        for event in re.findall(rb"^data: (.*)$", answer.body, re.MULTILINE):
            _judge_event(event)


def _is_shown_otherwise(case: Case, family: str) -> bool:
    """True for answers in the shapes of another vendor's SDK, which a header asks for, and for pages of browsers."""
    named = {name.lower() for name, _ in case.headers}
    return case.method == "OPTIONS" or (family not in streamed() and not named.isdisjoint(OTHERS))


def _judge_event(event: bytes) -> None:
    if event == b"[DONE]":
        return
    value = _parsed(event)
    error = value.get("error") if isinstance(value, dict) else None
    _expect(not isinstance(error, dict) or error.get("type") != "server_error", f"a stream's error: {event[:300]!r}")


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Broken(f"no JSON: {body[:200]!r}") from error


def wire_of(case: Case, family: str) -> str:
    """Names the wire in whose shape an error must be: the family's own, or for JSON families the caller's."""
    if family == "gemini" or (family in {"embeddings", "models"} and _is_geminis(case.path)):
        return "gemini"
    # A path below these is none: it is refused as API Gateway refuses it.
    if case.path in COHERES:
        return "cohere"
    if family == "messages":
        return "anthropic"
    named = {name.lower() for name, _ in case.headers}
    return "anthropic" if family not in streamed() and "anthropic-version" in named else "openai"


def _is_geminis(path: str) -> bool:
    return path.startswith("/v1beta/") or GENERATING.fullmatch(path) is not None


def _openai(body: Any, status: int) -> None:
    _expect(isinstance(body, dict) and isinstance(body.get("error"), dict), f"no error in {body}")
    error = body["error"]
    _expect(list(error) == ["message", "type", "param", "code"], f"members {list(error)}")
    _expect(bool(error["message"]) and error["type"] == TYPES.get(status), f"a {status} of {error}")
    _expect(all(isinstance(error[name], str | None) for name in ("param", "code")), f"types of {error}")


def _anthropic(body: Any, status: int) -> None:
    _expect(isinstance(body, dict) and list(body) == ["type", "error", "request_id"], f"members of {body}")
    error = body["error"]
    _expect(
        body["type"] == "error" and {"type", "message"} <= error.keys() and bool(error["message"]), f"a {status} {body}"
    )


def _gemini(body: Any, status: int) -> None:
    _expect(isinstance(body, dict) and list(body) == ["error"], f"members of {body}")
    error: Mapping[str, Any] = body["error"]
    _expect(error.get("code") == status and bool(error.get("message")), f"a {status} of {error}")
    _expect(GOOGLE_STATUS.fullmatch(error.get("status", "")) is not None, f"a {status} of {error}")


def _cohere(body: Any, status: int) -> None:
    _expect(isinstance(body, dict) and {"id", "message"} <= body.keys() and bool(body["message"]), f"a {status} {body}")


_SHAPES = {"openai": _openai, "anthropic": _anthropic, "gemini": _gemini, "cohere": _cohere}


def _judge_money(world: World) -> None:
    """Every hold that is still open is a job's that has not ended, or that of a client secret which is kept."""
    account, jobs = asyncio.run(world.look())
    _expect(account.balanced, "the books do not balance")
    kept = {job.hold.hold_id for job in jobs if job.hold is not None and not job.decided}
    kept |= {secret.hold.hold_id for secret in world.sockets.secrets.values() if secret.hold is not None}
    opened = {hold.hold_id for hold in account.holds}
    _expect(opened <= kept, f"holds left open: {opened - kept}")
    _expect(not world.late.waiting, "a settlement was left to the queue")
