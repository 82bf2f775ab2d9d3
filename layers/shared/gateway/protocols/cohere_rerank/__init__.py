"""Cohere's rerank wire, as callers speak it: https://docs.cohere.com/reference/rerank.

Version 2 returns no documents; a caller who asks for them by version 1's `return_documents` gets them in its shape.
"""

from __future__ import annotations

import orjson

from gateway.canonical.rerank import DOCUMENTS_MAX, SEARCH, Ranking, RerankRequest
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.protocols.shared.cohere_errors import encode_error
from gateway.protocols.shared.document import boolean_in, integer_in
from gateway.protocols.shared.preferences import OWN_MEMBERS, decode_preferences, parse_known
from gateway.protocols.shared.rerank_requests import documents_in

PROTOCOL = "cohere_rerank"
TOKENS_MAX = 2**31 - 1
_UNKNOWN = "unknown field: parameter '{name}' is not a valid field"
_KNOWN = OWN_MEMBERS | frozenset(
    {"documents", "max_tokens_per_doc", "model", "priority", "query", "return_documents", "top_n"}
)


class CohereRerank:
    """The codec of callers."""

    protocol = PROTOCOL
    id_prefix = "rerank-"
    stream_type = ""
    keep_alive = b""

    def decode_request(self, body: bytes) -> RerankRequest:
        """The canonical request; raises `InvalidRequest` with the JSON path of what is wrong."""
        root = parse_known(body, _KNOWN, _UNKNOWN)
        return RerankRequest(
            protocol=PROTOCOL,
            model=root.required("model").as_string(minimum=1),
            query=root.required("query").as_string(minimum=1),
            documents=documents_in(root, body),
            top_n=integer_in(root, "top_n", 1, DOCUMENTS_MAX),
            return_documents=boolean_in(root, "return_documents") is True,
            max_tokens_per_doc=integer_in(root, "max_tokens_per_doc", 1, TOKENS_MAX),
            routing=decode_preferences(root, body),
        )

    def encode_answer(self, request: RerankRequest, answer: Ranking, stamp: Stamp, extension: Extension) -> bytes:
        """The documents that were asked for, the best first."""
        rows = [
            {"index": ranked.index, "relevance_score": ranked.score}
            | ({"document": {"text": request.documents[ranked.index].text}} if request.return_documents else {})
            for ranked in answer.results
        ]
        units = dict((extension.usage or Usage()).uses)
        billed = {"search_units": units.get(SEARCH, 0)}
        return orjson.dumps(
            {
                "id": stamp.response_id,
                "results": rows,
                "meta": {"api_version": {"version": "2"}, "billed_units": billed},
                "nexevo": extension.as_json(),
            }
        )

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        """Cohere's error object."""
        return encode_error(error, request_id)


CLIENT = CohereRerank()
