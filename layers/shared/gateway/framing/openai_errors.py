"""Errors as all of OpenAI's wires have them, ours to a caller and a provider's to the drawn tree.

What one of them alone says or hides stands with its codec. https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.errors import GatewayError, InvalidRequest
from gateway.framing.error_bodies import error_body
from gateway.framing.provider_errors import INVALID, UNEXPLAINED, Scrubber, meaning

_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_PATH = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,200}")
_TOO_LONG = re.compile(r"(?:maximum|exceeds the|model's) context (?:length|window)", re.IGNORECASE)


def error_object(error: GatewayError) -> dict[str, Any]:
    """The members of `error`, section 5 of the public contract."""
    return {"message": error.message, "type": error.type, "param": error.param, "code": error.code}


def encode_error(error: GatewayError) -> bytes:
    """The body of an error response."""
    return error_body(error, {"error": error_object(error)})


def refusal(status: int, fields: Mapping[str, Any], after_s: int | None, scrubber: Scrubber) -> GatewayError:
    """What a provider's error with these members means to our caller."""
    if status not in INVALID:
        return meaning(status, after_s)
    message = scrubber.text(fields.get("message"))
    code = scrubber.matching(_WORD, fields.get("code"))
    if code != "context_length_exceeded" and _TOO_LONG.search(message):
        code = "context_length_exceeded"
    return InvalidRequest(message or UNEXPLAINED, param=scrubber.matching(_PATH, fields.get("param")), code=code)
