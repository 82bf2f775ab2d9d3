"""The words of all vendors for the use of vectors, which any wire may send."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.canonical.embeddings import Task
from gateway.protocols.shared.document import Node

# https://docs.cohere.com/reference/embed, https://docs.voyageai.com/reference/embeddings-api,
# https://api.jina.ai/redoc, https://ai.google.dev/api/embeddings#TaskType
TASKS: Mapping[str, Task | None] = {
    "query": Task.QUERY,
    "document": Task.DOCUMENT,
    "search_query": Task.QUERY,
    "image": None,
    "search_document": Task.DOCUMENT,
    "classification": Task.CLASSIFICATION,
    "clustering": Task.CLUSTERING,
    "retrieval.query": Task.QUERY,
    "retrieval.passage": Task.DOCUMENT,
    "separation": Task.CLUSTERING,
    "text-matching": Task.SIMILARITY,
    "TASK_TYPE_UNSPECIFIED": None,
    "RETRIEVAL_QUERY": Task.QUERY,
    "RETRIEVAL_DOCUMENT": Task.DOCUMENT,
    "SEMANTIC_SIMILARITY": Task.SIMILARITY,
    "CLASSIFICATION": Task.CLASSIFICATION,
    "CLUSTERING": Task.CLUSTERING,
    "QUESTION_ANSWERING": Task.QUESTION_ANSWERING,
    "FACT_VERIFICATION": Task.FACT_VERIFICATION,
    "CODE_RETRIEVAL_QUERY": Task.CODE_QUERY,
}


def task_of(hint: Node) -> Task | None:
    """The task that a vendor's word means; raises `InvalidRequest` for a word that none has."""
    return TASKS[hint.as_one_of(tuple(TASKS))]
