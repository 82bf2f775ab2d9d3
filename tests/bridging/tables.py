"""Renders the tables of docs/bridging.md between its marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.bridging import goldens
from tests.bridging.cells import CLIENTS, UPSTREAMS, answer_cell, ending_cell, request_cell
from tests.bridging.constraints import constraint_tables

DOCUMENT = Path(__file__).parents[2] / "docs" / "bridging.md"
BEGIN = "<!-- Written by `make bridging` from tests/bridging; edits are lost. -->"
END = "<!-- End of what `make bridging` writes. -->"
NAMES = {
    "openai_chat": "OpenAI chat",
    "openai_responses": "OpenAI Responses",
    "anthropic_messages": "Anthropic Messages",
    "gemini": "Gemini",
    "bedrock_converse": "Bedrock Converse",
    "cohere_chat": "Cohere",
}


def document() -> str:
    """Returns the document with its tables rewritten. Raises `ValueError` if its marks are missing."""
    before, mark, rest = DOCUMENT.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"{DOCUMENT.name} has lost the marks between which its tables stand")
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    """Renders all tables."""
    written = goldens.requests()
    lines = list(constraint_tables())
    for client in (wire for wire in CLIENTS if wire in written):
        lines += [f"### What a caller of {NAMES[client]} asks for, on each provider's wire", ""]
        lines += [*_table(list(UPSTREAMS), _request_rows(client)), ""]
    for upstream in UPSTREAMS:
        lines += [f"### What a provider of {NAMES[upstream]} answers, on each caller's wire", ""]
        lines += [*_table(list(CLIENTS), _answer_rows(upstream)), ""]
    return "\n".join(lines)


def _request_rows(client: str) -> Iterable[list[str]]:
    own = goldens.requests()[client]
    for feature in goldens.features("requests"):
        if feature.key in own:
            yield [feature.title, *(request_cell(feature, own[feature.key], client, wire) for wire in UPSTREAMS)]


def _answer_rows(upstream: str) -> Iterable[list[str]]:
    own = goldens.answers()[upstream]
    for feature in goldens.features("answers"):
        if feature.key in own:
            yield [feature.title, *(answer_cell(feature, own[feature.key], upstream, wire) for wire in CLIENTS)]
    for word, golden in goldens.endings()[upstream].items():
        yield [f"the end `{word}`", *(ending_cell(golden, upstream, wire) for wire in CLIENTS)]


def _table(wires: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    heads = ["", *(NAMES[wire] for wire in wires)]
    return [_line(heads), "|---" * len(heads) + "|", *(_line(row) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
