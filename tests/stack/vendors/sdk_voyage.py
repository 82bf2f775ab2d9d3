"""Prints as one JSON line what Voyage's own SDK reads from the simulator, for the test to judge."""

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

row, texts = json.loads(sys.argv[1]), json.loads(sys.argv[2])
os.environ["VOYAGE_API_KEY"] = row["api_key"]
# Imported by name: the SDK is not among the packages that this repository is type-checked with.
sdk: Any = import_module("voyageai")

client = sdk.Client(api_key=row["api_key"], base_url=row["base_url"], max_retries=0)
stranger = sdk.Client(api_key="no", base_url=row["base_url"], max_retries=0)


def refusal(call: Callable[..., Any], *given: Any, **more: Any) -> int | None:
    try:
        call(*given, **more)
    except sdk.error.VoyageError as error:
        return int(error.http_status)
    return None


found = client.embed(texts, model="voyage-3.5", input_type="document")
short = client.embed(texts[:1], model="voyage-3.5", output_dimension=256)
ranked = client.rerank(texts[0], texts, model="rerank-2.5", top_k=2)
sys.stdout.write(
    json.dumps(
        {
            "vectors": [list(map(float, vector)) for vector in found.embeddings],
            "tokens": found.total_tokens,
            "short": [len(vector) for vector in short.embeddings],
            "ranked": [[result.index, result.relevance_score, result.document] for result in ranked.results],
            "rank_tokens": ranked.total_tokens,
            "bad_model": refusal(client.embed, texts, model="no-such-model"),
            "bad_key": refusal(stranger.embed, texts, model="voyage-3.5"),
        }
    )
)
