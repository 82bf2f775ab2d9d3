"""Errors as all of OpenAI's wires have them, ours to a caller and a provider's to the drawn tree.

What one of them alone says or hides stands with its codec. https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.errors import GatewayError, InvalidRequest
from gateway.protocols.shared.error_bodies import CONTEXT_FULL, error_body, message_of
from gateway.protocols.shared.provider_errors import INVALID, UNEXPLAINED, harmless, is_context_full, meaning, scrubbed

_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_PATH = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,200}")
# https://platform.openai.com/docs/guides/error-codes has the code; readers of the message look for these words.
_FULL_CONTEXT = "maximum context length"


def error_object(error: GatewayError) -> dict[str, Any]:
    """The members of `error`, section 5 of the public contract."""
    return {"message": message_of(error, _FULL_CONTEXT), "type": error.type, "param": error.param, "code": error.code}


def encode_error(error: GatewayError) -> bytes:
    """The body of an error response."""
    return error_body(error, {"error": error_object(error)})


def refusal(status: int, fields: Mapping[str, Any], after_s: int | None) -> GatewayError:
    """Converts a provider's error with these members to the caller's error."""
    if status not in INVALID:
        return meaning(status, after_s)
    message = scrubbed(fields.get("message"))
    code = harmless(_WORD, fields.get("code"))
    if is_context_full(message):
        code = CONTEXT_FULL
    return InvalidRequest(message or UNEXPLAINED, param=harmless(_PATH, fields.get("param")), code=code)
