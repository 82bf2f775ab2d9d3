"""Lists the models that the run's key may use, with prices and abilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.agents.tools.tool import Arguments, Tool, Work, number_of

ROWS_MAX, ROWS = 50, 20
_SHOWN = (
    "id",
    "provider",
    "pricing",
    "context_window",
    "max_output_tokens",
    "dimensions",
    "modalities",
    "capabilities",
)


async def run(work: Work, arguments: Arguments) -> str:
    """The models whose row has every word of the filter, cut to what a model needs to choose."""
    words = str(arguments.get("query") or "").lower().split()
    kind = str(arguments.get("kind") or "").lower()
    limit = number_of(arguments, "limit", default=ROWS, lowest=1, highest=ROWS_MAX)
    rows = [row for row in await work.models.rows() if _fits(row, words, kind)]
    shown = [{name: row[name] for name in _SHOWN if row.get(name) is not None} for row in rows[:limit]]
    return orjson.dumps({"models": shown, "found": len(rows)}).decode()


def _fits(row: Mapping[str, Any], words: list[str], kind: str) -> bool:
    text = orjson.dumps(row).decode().lower()
    return all(word in text for word in words) and kind in text


TOOL = Tool(
    name="list_models",
    description="Lists the models of this gateway that you may recommend or use: ids, prices in USD, context windows.",
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "Words that the model's row must have, such as 'embedding'."},
            "kind": {"type": "string", "description": "A kind of models, such as 'embedding', 'image' or 'chat'."},
            "limit": {"type": "integer", "minimum": 1, "maximum": ROWS_MAX},
        },
    },
    run=run,
)
