"""Writes the page of all errors: each code, what has happened and what helps, and how each wire says it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import orjson

from gateway.errors import RateLimited
from gateway.protocols.anthropic_messages.errors import encode_error as messages_body
from gateway.protocols.gemini.errors import encode_error as gemini_body
from gateway.protocols.openai_responses.errors import failure_object
from gateway.protocols.shared.cohere_errors import encode_error as cohere_body
from gateway.protocols.shared.openai_errors import encode_error as openai_body
from local.guide.causes import CAUSES, JOBS
from local.guide.codes import Given, given

ID = "nxn-1"
# One error, as every wire says it.
SHOWN = RateLimited("Too many requests in this minute.", retry_after_s=30)
HEAD = "| code | what happened | what to do |\n|---|---|---|"
MEANT = {
    400: "The request cannot be served as it stands. It will fail again: `param` is the path of what is wrong.",
    401: "Who asks is not known.",
    402: "Money is missing.",
    403: "Who asks is known, and may not do this.",
    404: "There is no such thing, or it belongs to another account.",
    405: "The path has other methods.",
    408: "The answer took too long.",
    409: "The request contradicts what is there.",
    413: "The request is too large.",
    415: "The body's type is not read.",
    429: "A limit is reached. `Retry-After` has the seconds to wait.",
    500: "The gateway failed.",
    502: "The provider, or what stands before it, failed.",
    503: "The gateway or the provider cannot take the request now.",
    504: "The provider was too late.",
}
INTRODUCTION = """# All errors

Each code that the gateway gives, written from its code. How to act on errors in a program is in
[errors and limits](limits.md). A 400 of a provider is passed on in the provider's words, without keys and addresses,
and may bear a code of the provider's own. Every answer, of every wire, has `X-Trace-ID`; a 429 and a 503 have
`Retry-After`, and what should not be sent again has `x-should-retry: false`. A request that is refused, or fails, is
free.
"""


def errors_page() -> str:
    """Returns the page as Markdown."""
    return "\n".join(_lines(given())) + "\n"


def _lines(codes: frozenset[Given]) -> Iterator[str]:
    yield INTRODUCTION
    yield from _forms()
    by_status: dict[int, set[Given]] = defaultdict(set)
    for each in codes:
        by_status[0 if each.in_event else each.status].add(each)
    for status in sorted(status for status in by_status if status):
        types = " or ".join(f"`{name}`" for name in sorted({each.type for each in by_status[status]}))
        yield f"\n## {status}\n\n{MEANT[status]} `type` is {types}.\n\n{HEAD}"
        yield from _rows({each.code for each in by_status[status]}, CAUSES)
    yield f"\n## In events of sockets\n\nThe socket stays open after these, but for those that end it.\n\n{HEAD}"
    yield from _rows({each.code for each in by_status[0]}, CAUSES)
    yield (
        "\n## In jobs that have failed\n\n`error.code` of a job, or a code of above. What it held is free again.\n\n"
        + HEAD
    )
    yield from _rows(set(JOBS), JOBS)


def _rows(codes: set[str], causes: dict[str, tuple[str, str]]) -> Iterator[str]:
    yield from (f"| `{code}` | {causes[code][0]} | {causes[code][1]} |" for code in sorted(codes))


def _forms() -> Iterator[str]:
    """Shows one error as every wire says it, made by what makes it there."""
    yield "## The form on each wire\n"
    yield "The same refusal, a full window, as each wire's SDK expects it:\n"
    stream = {"type": "response.failed", "response": {"status": "failed", "error": failure_object(SHOWN)}}
    forms = {
        "OpenAI: chat, completions, Responses, embeddings, images, audio, and all of the gateway's own": openai_body(
            SHOWN
        ),
        "Anthropic: `/v1/messages`": messages_body(SHOWN, ID),
        "Google: `/v1beta`": gemini_body(SHOWN),
        "Cohere: `/v1/embed`, `/v2/embed`, `/v2/rerank`": cohere_body(SHOWN, ID),
        "A stream of Responses, once it has begun": orjson.dumps(stream),
    }
    for named, body in forms.items():
        shown = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
        yield f"### {named}\n\n```json\n{shown}\n```\n"
    yield 'A stream of chat that has begun ends with `data: {"error": ...}`, one of Messages with the event `error`,'
    yield "one of Google's with the body above as its last event: the status was sent before."
