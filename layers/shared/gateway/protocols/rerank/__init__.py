"""The gateway's rerank wire, which is that of Jina and of Cohere's first version: section 2 of the public contract.

A document in an answer is echoed exactly as it was sent. Voyage's clients, who send `truncation`, read the rows from
`data`.
"""

from __future__ import annotations

from typing import Any

import orjson

from gateway.canonical.rerank import DOCUMENTS_MAX, SEARCH, Ranking, RerankRequest
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.protocols.shared.document import Node, boolean_in, integer_in, string_in
from gateway.protocols.shared.openai_errors import encode_error
from gateway.protocols.shared.preferences import OWN_MEMBERS, decode_preferences, parse_known
from gateway.protocols.shared.rerank_requests import documents_in

PROTOCOL = "rerank"
TOKENS_MAX = 2**31 - 1
_UNKNOWN = "Unrecognized request argument supplied: {name}"
_KNOWN = OWN_MEMBERS | frozenset(
    {"documents", "max_tokens_per_doc", "model", "query", "return_documents", "top_k", "top_n", "truncation", "user"}
)


class Rerank:
    """The codec of callers."""

    protocol = PROTOCOL
    id_prefix = "rerank-"
    stream_type = ""
    keep_alive = b""

    def decode_request(self, body: bytes) -> RerankRequest:
        """The canonical request; raises `InvalidRequest` with the JSON path of what is wrong."""
        root = parse_known(body, _KNOWN, _UNKNOWN)
        return_documents = boolean_in(root, "return_documents")
        top_n = integer_in(root, "top_n", 1, DOCUMENTS_MAX)
        return RerankRequest(
            protocol=PROTOCOL,
            model=root.required("model").as_string(minimum=1),
            query=root.required("query").as_string(minimum=1),
            documents=documents_in(root, body),
            # Voyage's word for the same.
            top_n=integer_in(root, "top_k", 1, DOCUMENTS_MAX) if top_n is None else top_n,
            return_documents=return_documents is not False,
            data_too=_truncation(root),
            max_tokens_per_doc=integer_in(root, "max_tokens_per_doc", 1, TOKENS_MAX),
            user=string_in(root, "user"),
            routing=decode_preferences(root, body),
        )

    def encode_answer(self, request: RerankRequest, answer: Ranking, stamp: Stamp, extension: Extension) -> bytes:
        """The documents that were asked for, the best first."""
        rows: list[dict[str, Any]] = []
        for ranked in answer.results:
            rows.append({"index": ranked.index, "relevance_score": ranked.score})
            if request.return_documents:
                rows[-1]["document"] = orjson.Fragment(bytes(memoryview(request.documents[ranked.index].sent)))
        usage = extension.usage or Usage()
        searches = dict(usage.uses).get(SEARCH, 0)
        return orjson.dumps(
            {
                "id": stamp.response_id,
                "object": "list",
                "model": stamp.model,
                "results": rows,
                **({"data": rows} if request.data_too else {}),
                "usage": {
                    "prompt_tokens": usage.prompt,
                    "total_tokens": usage.total,
                    "search_units": searches,
                },
                "nexevo": extension.as_json(),
            }
        )

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        """OpenAI's error object."""
        del request_id  # This wire carries it in a header, x-request-id.
        return encode_error(error)


def _truncation(root: Node) -> bool:
    """True where the request has Voyage's `truncation`: documents that are too long are cut, as every vendor does."""
    said = root.member("truncation")
    if said is not None and not said.as_boolean():
        raise said.error("Documents that are too long are cut; 'truncation' can only be true.", "unsupported_value")
    return said is not None


CLIENT = Rerank()
