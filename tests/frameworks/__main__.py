"""Drives LangChain's and LlamaIndex' embedding and rerank classes through their own stack (`make frameworks`).

Prints a line for each class, and exits 1 if one does not read what the simulated providers have made. Where all do,
their requests are written to `requests.json`, which `tests/stack/test_frameworks.py` replays.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

from local.providers import rerank, vectors
from tests.environments import ROOT, python_with, run
from tests.frameworks.relay import Relay, relaying
from tests.stack.conftest import running

REQUESTS = Path(__file__).parent / "requests.json"
QUERY = "How do I reset the VPN password?"
TEXTS = ["Ask IT for the list of VPN servers.", "To reset the VPN password, sign in.", "The canteen opens at noon."]
# The model of each embedding class, and the length of its vectors.
EMBEDDERS = {
    "langchain_openai": ("text-embedding-3-small", 1536),
    "langchain_cohere": ("embed-v4.0", 1536),
    "langchain_google": ("gemini-embedding-001", 3072),
    "langchain_voyage": ("voyage-3.5", 1024),
    "llama_index_openai": ("text-embedding-3-small", 1536),
    "llama_index_cohere": ("embed-v4.0", 1536),
    "llama_index_jina": ("jina-embeddings-v3", 1024),
    "llama_index_voyage": ("voyage-3.5", 1024),
}
RERANKERS = (
    "langchain_cohere_rerank",
    "langchain_voyage_rerank",
    "llama_index_cohere_rerank",
    "llama_index_jina_rerank",
    "llama_index_voyage_rerank",
)


def embedded(model: str, size: int) -> dict[str, Any]:
    """Returns what an embedding class is to read."""
    documents = [vectors.numbers(model, text, size) for text in TEXTS]
    return {"documents": documents, "query": vectors.numbers(model, QUERY, size)}


def ranked() -> dict[str, Any]:
    """Returns what a rerank class is to read."""
    scores = sorted(((rerank.score(QUERY, text), index) for index, text in enumerate(TEXTS)), reverse=True)
    return {"ranked": [[index, score] for score, index in scores[:2]]}


def read(relay: Relay, api_key: str) -> dict[str, Any]:
    """Returns what the classes read."""
    told = orjson.dumps([relay.address, api_key, QUERY, TEXTS]).decode()
    found: dict[str, Any] = orjson.loads(run([python_with("frameworks"), "tests/frameworks/classes.py", told], ROOT))
    return found


def main() -> int:
    """Runs every class."""
    with tempfile.TemporaryDirectory() as data, running(Path(data)) as stack, relaying(stack.root_url) as relay:
        found = read(relay, stack.api_key)
    wanted = {name: embedded(*model) for name, model in EMBEDDERS.items()} | dict.fromkeys(RERANKERS, ranked())
    failed = [name for name in wanted if found.get(name) != wanted[name]]
    for name in wanted:
        sys.stdout.write(f"{name:<28} {'done' if name not in failed else 'FAILED ' + str(found.get(name))[:300]}\n")
    if not failed:
        lines = b",\n".join(orjson.dumps(request) for request in relay.requests)
        REQUESTS.write_bytes(b"[\n" + lines + b"\n]\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
