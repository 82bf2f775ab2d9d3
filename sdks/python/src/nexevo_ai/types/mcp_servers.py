"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import NexevoModel

# Shared.


class McpServer(NexevoModel):
    """An account's server of the Model Context Protocol."""

    object: str
    id: str
    name: str
    url: str
    token_last4: Optional[str]
    tools: list[McpToolView]
    created_at: str
    updated_at: str


class McpServerList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[McpServer]
    has_more: bool
    next_cursor: Optional[str]


class McpToolView(NexevoModel):
    """A tool of a server, by its full name."""

    name: str
    description: str


McpServer.model_rebuild()
McpServerList.model_rebuild()
McpToolView.model_rebuild()
