"""OpenAI's moderations wire: https://platform.openai.com/docs/api-reference/moderations/create."""

from __future__ import annotations

import orjson

from gateway.canonical.response import Extension, Stamp
from gateway.errors import GatewayError, UpstreamError
from gateway.framing import json_edit
from gateway.protocols.shared import document
from gateway.protocols.shared.openai_errors import encode_error

MODEL = "omni-moderation-latest"
NO_ANSWER = "The provider's answer is not a moderation."


class Moderations:
    """The codec of callers and of OpenAI, which speak the same wire."""

    protocol = "openai_moderations"
    id_prefix = "modr-"
    stream_type = ""
    keep_alive = b""
    path = "/moderations"

    def decode_model(self, body: bytes) -> str:
        """The name of the model that is asked; raises `InvalidRequest` for a body that asks for no moderation."""
        asked = document.parse(body)
        given = asked.required("input")
        if not isinstance(given.value, str | list):
            raise given.wrong_type("a string or an array")
        return document.string_in(asked, "model") or MODEL

    def forward_response(self, body: bytes, stamp: Stamp, extension: Extension) -> bytes:
        """The provider's answer with id, model and extension set; raises `UpstreamError`."""
        try:
            is_answer = isinstance(orjson.loads(body).get("results"), list)
        except (orjson.JSONDecodeError, AttributeError):
            is_answer = False
        if not is_answer:
            raise UpstreamError(NO_ANSWER)
        names = {"id": stamp.response_id, "model": stamp.model, "nexevo": extension.as_json()}
        return json_edit.edit(body, {name: orjson.dumps(value) for name, value in names.items()})

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        """OpenAI's error object."""
        del request_id  # This wire carries it in a header, x-request-id.
        return encode_error(error)


CLIENT = Moderations()
