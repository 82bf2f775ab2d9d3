"""Writes the page of what each provider and model takes: from the catalog, and from the tables of docs/bridging.md.

`make bridging` writes these tables from the rows that the code shapes requests by, so the page follows the code.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parents[2]
BRIDGING = ROOT / "docs" / "bridging.md"
CATALOG = ROOT / "layers" / "shared" / "gateway" / "catalog" / "models"
Row = Mapping[str, Any]
# A row of the page, by the head of its column.
Columns = Mapping[str, Callable[[Row], str]]
INTRODUCTION = """# What each model takes

The parameters of [all endpoints](reference.md) are the same for all models; what becomes of one depends on the
provider's wire and on the model. On the provider's own wire your request goes out as it came. From one wire to another
this holds:

- what the model takes is said in its words: an effort becomes a budget, a system message an instruction;
- what it takes in part is made to fit: a `temperature` that is too high becomes the highest, a sixth stop sequence is
  left out;
- what is only a hint and unknown there is left out;
- what would change the answer's meaning is a 400 that names your parameter.

`"provider": {"require_parameters": true}` makes all of these a 400, or leaves the target out where another one takes
the request as it stands: below this is called *strictly*. `POST /v1/route` shows what would serve, and why not, free of
charge.
"""
# Heads of docs/bridging.md that a reader of this page would not understand alone.
CLEARER = {"bound": "answer is bounded by", "budget": "budget of tokens", "instructions": "role of instructions"}
WIRES = ("OpenAI chat", "OpenAI Responses", "Anthropic Messages", "Gemini")


def parameters_page() -> str:
    """Returns the page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield INTRODUCTION
    yield from _text()
    yield from _media()
    yield from _rules()
    for wire in WIRES:
        yield f"\n## Every feature of {wire}, at each provider's wire\n"
        heads, rows = _table(f"What a caller of {wire} asks for, on each provider's wire")
        yield from _written(["feature", *heads[1:]], rows)


def _text() -> Iterator[str]:
    yield "\n## Text: thinking, sampling, instructions\n"
    yield "*Thinks by* says what the provider is told: an effort in words, a budget of tokens, or a switch. Your own"
    yield "request may use either ([thinking](thinking.md)). *Samples* says whether `temperature`, `top_p` and"
    yield "penalties are taken.\n"
    models = defaultdict(list)
    for row in _catalog("chat"):
        if "profile" in row:
            models[row["profile"]].append(f"`{row['id']}`")
    heads, rows = _table("What a generation of models takes")
    shown = [[", ".join(models[row[0].strip("`")]), *row[1:]] for row in rows if models[row[0].strip("`")]]
    yield from _written(["models", *(CLEARER.get(head, head) for head in heads[1:])], shown)


def _rules() -> Iterator[str]:
    """Lists what each provider's wire takes, a table for each; a rule of one generation names it."""
    heads, rows = _table("What a provider's wire takes of a bridged request")
    by_wire: dict[str, list[list[str]]] = defaultdict(list)
    for row in rows:
        by_wire[row[0]].append([row[2] + ("" if row[1] == "all" else f" ({row[1]})"), *row[3:5]])
    yield "\n## Limits of each provider's wire\n"
    for wire, rules in by_wire.items():
        yield f"\n### At {wire}\n"
        yield from _written(heads[2:5], rules)


def _media() -> Iterator[str]:
    tables: Mapping[str, tuple[str, Callable[[Row], bool], Columns]] = {
        "Embeddings": ("embeddings", _sold, EMBEDDINGS),
        "Rerank": ("rerank", _sold, RERANK),
        "Pictures": ("images", _sold, PICTURES),
        "Speech": ("audio", lambda row: row.get("does") == "speech", SPEECH),
        "Transcription": ("audio", lambda row: row.get("does") == "transcription", TRANSCRIPTION),
        "Video": ("media", lambda row: row.get("kind") == "video", VIDEO),
        "3D": ("media", lambda row: row.get("kind") == "3d", SHAPES),
    }
    for title, (name, chosen, columns) in tables.items():
        yield f"\n## {title}\n"
        rows = [[tell(row) for tell in columns.values()] for row in _catalog(name) if chosen(row)]
        yield from _written(list(columns), rows)


def _sold(row: Row) -> bool:
    return "retired" not in row


def _catalog(name: str) -> list[Row]:
    found: list[Row] = orjson.loads((CATALOG / f"{name}.json").read_bytes())["models"]
    return found


def _listed(member: str) -> Callable[[Row], str]:
    return lambda row: ", ".join(str(each) for each in row.get(member, ())) or "-"


def _told(member: str) -> Callable[[Row], str]:
    return lambda row: f"{row[member]:,}" if isinstance(row.get(member), int) else str(row.get(member, "-"))


def _whether(member: str) -> Callable[[Row], str]:
    return lambda row: "yes" if row.get(member) else "no"


def _lengths(row: Row) -> str:
    """The lengths of vectors that a model makes."""
    least = f"any from {row['sizes_from']} to {row['dimensions']}" if "sizes_from" in row else ""
    return least or ", ".join(map(str, sorted({*row.get("sizes", ()), row["dimensions"]})))


def _durations(row: Row) -> str:
    """The lengths of films that a model makes, in seconds."""
    made = row["durations_s"]
    if isinstance(made, list):
        return ", ".join(made)
    return f"{made['from']} to {made['to']}" + ("" if made["step"] == "1" else f" by {made['step']}")


def _reference(row: Row) -> str:
    return str(row["reference"]).replace("instead_of_prompt", "in place of the prompt")


def _name(row: Row) -> str:
    return f"`{row['id']}`"


def _providers(row: Row) -> str:
    named = [each["provider"] for each in row.get("targets", ()) if "provider" in each]
    return ", ".join(named) or row.get("provider") or row.get("owned_by", "-")


EMBEDDINGS: Columns = {
    "model": _name,
    "at": _providers,
    "`dimensions`": _lengths,
    "tokens of an input": _told("max_input_tokens"),
    "reads pictures": _whether("image_units_max"),
}
RERANK: Columns = {
    "model": _name,
    "at": _providers,
    "documents": _told("documents_max"),
    "tokens of a document": _told("max_input_tokens"),
    "paid by": lambda row: "search" if "search" in row["price"] else "token",
}
PICTURES: Columns = {
    "model": _name,
    "at": _providers,
    "`n` up to": _told("images_max"),
    "`size`": _listed("sizes"),
    "`quality`": _listed("qualities"),
    "pictures to edit": _told("inputs_max"),
    "`output_format`": _listed("formats"),
    "`seed`": _whether("seed"),
    "besides": _listed("options"),
}
SPEECH: Columns = {"model": _name, "at": _providers, "characters of `input`": _told("characters_max")}
TRANSCRIPTION: Columns = {
    "model": _name,
    "at": _providers,
    "paid by": lambda row: "token" if "output" in row["price"] else "second",
}
VIDEO: Columns = {
    "model": _name,
    "at": _providers,
    "`duration_sec`": _durations,
    "`aspect_ratio`": _listed("aspect_ratios"),
    "`reference_image_url`": _reference,
    "characters of `prompt`": _told("prompt_characters_max"),
    "`seed`": _whether("seed_max"),
    "`negative_prompt`": _whether("negative_prompt_characters_max"),
}
SHAPES: Columns = {
    "model": _name,
    "at": _providers,
    "`output_format`": _listed("output_formats"),
    "`reference_image_url`": _reference,
    "characters of `prompt`": _told("prompt_characters_max"),
}


def _table(title: str) -> tuple[list[str], list[list[str]]]:
    """Returns heads and rows of a table of docs/bridging.md by the title above it."""
    found = re.search(rf"(?m)^### {re.escape(title)}\n\n((?:\|.*\n)+)", BRIDGING.read_text())
    if found is None:
        raise LookupError(title)
    heads, _, *rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in found[1].splitlines()]
    return heads, rows


def _written(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
