"""Builds what agents' tools are offered by, for the functions that begin runs and the one that makes them."""

from __future__ import annotations

from gateway.wiring.chat import CATALOG
from gateway.wiring.process import process

SEARCH = "web_search"
# The family that speaks a wire on which searches are sold.
FAMILY_OF_WIRE = {"openai_responses": "responses", "anthropic_messages": "messages"}


def own_search(model: str) -> str | None:
    """The family by which the model searches the web itself; nothing for an alias, which several models serve."""
    name = CATALOG.find(model)
    models = () if name is None else CATALOG.models_behind(name.offer)
    if len(models) != 1:
        return None
    tools = [tool for target in models[0].targets for tool in target.tools if tool.tool == SEARCH]
    return FAMILY_OF_WIRE.get(tools[0].wire) if tools else None


def has_search(model: str) -> bool:
    """True where a run on the model can search the web."""
    return bool(process().settings.web_search) or own_search(model) is not None
