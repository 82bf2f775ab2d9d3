"""Prints as one JSON line what Cohere's own SDK reads at an address, for the test to judge."""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

# Imported by name: the SDK is not among the packages that this repository is type-checked with.
sdk: Any = import_module("cohere")
errors: Any = import_module("cohere.core.api_error")

row, embedder, reranker = json.loads(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
texts = json.loads(sys.argv[4])
client = sdk.ClientV2(api_key=row["api_key"], base_url=row["base_url"])
stranger = sdk.ClientV2(api_key="no", base_url=row["base_url"])


def refusal(call: Callable[..., Any], **given: Any) -> int | None:
    try:
        call(**given)
    except errors.ApiError as error:
        return int(error.status_code)
    return None


FORMS = ["float", "int8"]
found = client.embed(model=embedder, texts=texts, input_type="search_document", embedding_types=FORMS)
short = client.embed(model=embedder, texts=texts[:1], input_type="search_query", output_dimension=256)
ranked = client.rerank(model=reranker, query=texts[0], documents=texts, top_n=2)
sys.stdout.write(
    json.dumps(
        {
            "float": found.embeddings.float_,
            "int8": [len(vector) for vector in found.embeddings.int8],
            "texts": found.texts,
            "tokens": found.meta.billed_units.input_tokens,
            "short": [len(vector) for vector in short.embeddings.float_],
            "ranked": [[result.index, result.relevance_score] for result in ranked.results],
            "searches": ranked.meta.billed_units.search_units,
            "bad_use": refusal(client.embed, model=embedder, texts=texts, input_type="poem"),
            "bad_model": refusal(client.rerank, model="no-such-model", query="q", documents=texts),
            "bad_key": refusal(stranger.rerank, model=reranker, query="q", documents=texts),
        }
    )
)
