"""Prints as one JSON line what LangChain's and LlamaIndex' classes for retrieval read from the gateway, for the judge.

It runs in an environment of its own (`requirements/frameworks.txt`): the classes are imported by name, since this
repository is type-checked without them. Each class asks below a path of its own name, by which its requests are told.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

ADDRESS, KEY, QUERY, TEXTS = json.loads(sys.argv[1])


def made(module: str, name: str, **settings: Any) -> Any:
    """Makes an object of a framework's class."""
    return getattr(import_module(module), name)(**settings)


def root(name: str) -> str:
    """The address below which a class asks."""
    return f"{ADDRESS}/{name}"


def embedded(embeddings: Any) -> dict[str, Any]:
    """Reads by an embedding class of LangChain."""
    return {"documents": embeddings.embed_documents(TEXTS), "query": embeddings.embed_query(QUERY)}


def indexed(embeddings: Any) -> dict[str, Any]:
    """Reads by an embedding class of LlamaIndex."""
    documents, query = embeddings.get_text_embedding_batch(TEXTS), embeddings.get_query_embedding(QUERY)
    return {"documents": documents, "query": query}


def reordered(ranker: Any) -> dict[str, Any]:
    """Reads by a rerank class of LlamaIndex."""
    schema = import_module("llama_index.core.schema")
    nodes = [schema.NodeWithScore(node=schema.TextNode(text=text)) for text in TEXTS]
    ranked = ranker.postprocess_nodes(nodes, query_str=QUERY)
    return {"ranked": [[TEXTS.index(row.node.get_content()), row.score] for row in ranked]}


def langchain_openai() -> dict[str, Any]:
    # What splits long texts counts tokens by a table that it fetches from the internet.
    settings = {"model": "text-embedding-3-small", "check_embedding_ctx_length": False}
    base = f"{root('langchain_openai')}/v1"
    return embedded(made("langchain_openai", "OpenAIEmbeddings", base_url=base, api_key=KEY, **settings))


def langchain_cohere() -> dict[str, Any]:
    settings = {"model": "embed-v4.0", "base_url": root("langchain_cohere"), "cohere_api_key": KEY}
    return embedded(made("langchain_cohere", "CohereEmbeddings", **settings))


def langchain_cohere_rerank() -> dict[str, Any]:
    settings = {"model": "rerank-v3.5", "base_url": root("langchain_cohere_rerank"), "cohere_api_key": KEY, "top_n": 2}
    ranked = made("langchain_cohere", "CohereRerank", **settings).rerank(TEXTS, QUERY)
    return {"ranked": [[row["index"], row["relevance_score"]] for row in ranked]}


def langchain_google() -> dict[str, Any]:
    settings = {"model": "gemini-embedding-001", "base_url": root("langchain_google"), "google_api_key": KEY}
    return embedded(made("langchain_google_genai", "GoogleGenerativeAIEmbeddings", **settings))


def langchain_voyage() -> dict[str, Any]:
    settings = {"model": "voyage-3.5", "base_url": f"{root('langchain_voyage')}/v1", "api_key": KEY}
    embeddings = made("langchain_voyageai", "VoyageAIEmbeddings", **settings)
    # What fills its batches counts tokens by a table that it fetches from the internet.
    embeddings._client.tokenize = lambda texts, **_: [text.split() for text in texts]
    return embedded(embeddings)


def langchain_voyage_rerank() -> dict[str, Any]:
    settings = {"model": "rerank-2.5", "base_url": f"{root('langchain_voyage_rerank')}/v1", "api_key": KEY, "top_k": 2}
    document = import_module("langchain_core.documents").Document
    ranker = made("langchain_voyageai", "VoyageAIRerank", **settings)
    ranked = ranker.compress_documents([document(page_content=text) for text in TEXTS], QUERY)
    return {"ranked": [[TEXTS.index(row.page_content), row.metadata["relevance_score"]] for row in ranked]}


def llama_index_openai() -> dict[str, Any]:
    settings = {"model_name": "text-embedding-3-small", "api_key": KEY, "embed_batch_size": 2}
    base = f"{root('llama_index_openai')}/v1"
    return indexed(made("llama_index.embeddings.openai", "OpenAIEmbedding", api_base=base, **settings))


def llama_index_cohere() -> dict[str, Any]:
    settings = {"model_name": "embed-v4.0", "api_key": KEY, "base_url": root("llama_index_cohere")}
    return indexed(made("llama_index.embeddings.cohere", "CohereEmbedding", **settings))


def llama_index_jina() -> dict[str, Any]:
    settings = {"model": "jina-embeddings-v3", "api_key": KEY, "task": "retrieval.passage"}
    embeddings = made("llama_index.embeddings.jinaai", "JinaEmbedding", **settings)
    # It takes no address, and asks Jina's alone.
    embeddings._api.api_url = f"{root('llama_index_jina')}/v1/embeddings"
    return indexed(embeddings)


def llama_index_voyage() -> dict[str, Any]:
    settings = {"model_name": "voyage-3.5", "voyage_api_key": KEY}
    embeddings = made("llama_index.embeddings.voyageai", "VoyageEmbedding", **settings)
    # It takes no address, and asks Voyage's alone; what fills its batches counts tokens by a table that it fetches.
    embeddings._client._params["base_url"] = f"{root('llama_index_voyage')}/v1"
    embeddings._client.tokenize = lambda texts, **_: [text.split() for text in texts]
    return indexed(embeddings)


def llama_index_voyage_rerank() -> dict[str, Any]:
    settings = {"model": "rerank-2.5", "api_key": KEY, "top_n": 2}
    ranker = made("llama_index.postprocessor.voyageai_rerank", "VoyageAIRerank", **settings)
    ranker._client._params["base_url"] = f"{root('llama_index_voyage_rerank')}/v1"
    return reordered(ranker)


def llama_index_cohere_rerank() -> dict[str, Any]:
    settings = {"model": "rerank-v3.5", "base_url": root("llama_index_cohere_rerank"), "api_key": KEY, "top_n": 2}
    return reordered(made("llama_index.postprocessor.cohere_rerank", "CohereRerank", **settings))


def llama_index_jina_rerank() -> dict[str, Any]:
    base = f"{root('llama_index_jina_rerank')}/v1"
    settings = {"model": "jina-reranker-v2-base", "base_url": base, "api_key": KEY, "top_n": 2}
    return reordered(made("llama_index.postprocessor.jinaai_rerank", "JinaRerank", **settings))


CLASSES: tuple[Callable[[], dict[str, Any]], ...] = (
    langchain_openai,
    langchain_cohere,
    langchain_cohere_rerank,
    langchain_google,
    langchain_voyage,
    langchain_voyage_rerank,
    llama_index_openai,
    llama_index_cohere,
    llama_index_cohere_rerank,
    llama_index_jina,
    llama_index_jina_rerank,
    llama_index_voyage,
    llama_index_voyage_rerank,
)


def outcome(asked: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Returns what the class read, or how it failed."""
    try:
        return asked()
    except Exception as failure:  # noqa: BLE001  # the judge tells of every failure of a framework
        return {"failed": f"{type(failure).__name__}: {failure}"[:500]}


os.environ["NO_PROXY"] = "127.0.0.1"
sys.stdout.write(json.dumps({asked.__name__: outcome(asked) for asked in CLASSES}))
