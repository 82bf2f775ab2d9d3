"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from nexevo_ai._request import Amount, RequestOptions

# Shared.


class AgentsRunParams(RequestOptions, total=False):
    """Arguments of `agents.run`."""

    model: str
    tools: Optional[Sequence[str]]
    max_steps: int
    rag_documents: Sequence[str]
    system_prompt: Optional[str]
    wait: bool
    timeout_sec: int
    enable_verifier: bool
    verifier_threshold: float
    max_cost_usd: Optional[Amount]


class AgentsRunStreamParams(RequestOptions, total=False):
    """Arguments of `agents.run_stream`."""

    model: str
    tools: Optional[Sequence[str]]
    max_steps: int
    rag_documents: Sequence[str]
    system_prompt: Optional[str]
    wait: bool
    timeout_sec: int
    enable_verifier: bool
    verifier_threshold: float
    max_cost_usd: Optional[Amount]


class AgentsResumeStreamParams(RequestOptions, total=False):
    """Arguments of `agents.resume_stream`."""
