"""Tests of users' documents: they are served to strangers, and say nothing that the code does not bear out."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from gateway.console.guide import MENU
from local.guide.meanings import MEANINGS
from local.guide.pages import FOLDER, OPENAPI, SOURCES, pages, slug
from local.guide.reference import bodies, meaning
from tests.console.harness import Browser
from tests.guide_programs import RUN, blocks

ROOT = Path(__file__).parents[2]
DOCUMENT = orjson.loads(OPENAPI.read_bytes())
WRITTEN = {path.stem: path.read_text() for path in sorted(SOURCES.glob("*.md"))}
PROSE = {name: re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE) for name, text in WRITTEN.items()}


def codes() -> set[str]:
    """Finds the codes of errors that the code gives."""
    found: set[str] = set()
    for path in (ROOT / "layers/shared/gateway").rglob("*.py"):
        found |= set(re.findall(r'code(?:: ClassVar\[str \| None\])? ?= ?"(\w+)"', path.read_text()))
    return found


def test_what_is_served_is_what_the_sources_give() -> None:
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == pages(), "run `make docs`"


def test_every_page_is_in_the_menu() -> None:
    assert set(MENU) == {*WRITTEN, "reference"}


@pytest.mark.anyio
@pytest.mark.parametrize("name", MENU)
async def test_a_page_is_served_to_strangers_without_a_cookie(name: str) -> None:
    shown = await Browser(None).get("/docs" if name == "index" else f"/docs/{name}")
    assert shown.status == 200
    assert "set-cookie" not in shown.headers
    assert "script" not in shown.headers["content-security-policy"]
    assert shown.headers["cache-control"] == "public, max-age=300"
    assert shown.text.count("<h1") == 1
    assert "<script" not in shown.text
    assert '"@/' not in shown.text
    assert 'aria-current="page"' in shown.text


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/docs/nothing", "/docs/../app", "/docs/%2e%2e/app", "/docs/index.html"])
async def test_a_name_that_is_not_in_the_menu_is_no_page(path: str) -> None:
    assert (await Browser(None).get(path)).status == 404


def test_links_of_pages_lead_somewhere() -> None:
    headings = {name: {slug(each) for each in re.findall(r"(?m)^#+ (.+)$", text)} for name, text in WRITTEN.items()}
    served = {"reference": set[str](), **headings}
    lost = []
    for name, text in PROSE.items():
        for to in re.findall(r"\]\(([^)]+)\)", text):
            page, _, heading = to.partition("#")
            known = to in {"/console", "/openapi.json"} or page.removesuffix(".md") in served
            if not known or (heading and heading not in served[page.removesuffix(".md") or name]):
                lost.append((name, to))
    assert lost == []


def test_links_within_the_page_of_endpoints_lead_to_its_headings() -> None:
    html = pages()["reference.html"]
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(re.findall(r'id="([^"]+)"', html))


def test_endpoints_that_pages_name_are_served() -> None:
    served = {f"{method.upper()} {path}" for path, at in DOCUMENT["paths"].items() for method in at}
    named = {each for text in PROSE.values() for each in re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]*)`", text)}
    assert len(named) > 20
    # Google's methods stand behind a colon of one path.
    assert {each for each in named if ":" not in each} - served == set()


def test_every_endpoint_is_on_the_page_of_endpoints() -> None:
    html = pages()["reference.html"]
    ours = [f"{m.upper()} {path}" for path, at in DOCUMENT["paths"].items() for m in at if m != "head"]
    assert [each for each in ours if f">{each}</h3>" not in html] == []


def test_every_member_of_a_request_is_told_what_it_means() -> None:
    shapes = DOCUMENT["components"]["schemas"]
    members = [(shape, name, told) for shape in bodies(DOCUMENT) for name, told in shapes[shape]["properties"].items()]
    assert [
        (shape, name) for shape, name, told in members if "description" not in told and not meaning(shape, name)
    ] == []
    names = {name for _, name, _ in members} | {f"{shape}.{name}" for shape, name, _ in members}
    assert set(MEANINGS) - names == set()


def test_models_that_code_names_are_for_sale() -> None:
    rows = [orjson.loads(path.read_bytes()) for path in (ROOT / "layers/shared/gateway/catalog/models").glob("*.json")]
    sold = {row["id"] for each in rows for part in ("models", "aliases") for row in each.get(part, ())}
    named = {
        model
        for block in blocks()
        for model in re.findall(r'"?model"?[=:] ?"([^"]+)"', block.text)
        if block.language in RUN and model != "no-such-model"
    }
    assert len(named) > 5
    assert {model for model in named if model not in sold and model.removeprefix("openai/") not in sold} == set()


def test_codes_of_errors_that_the_page_names_are_given() -> None:
    rows = re.findall(r"(?m)^\| \d{3}[^|]*\|[^|]*\|([^|]*)\|", PROSE["limits"])
    named = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    assert len(named) > 20
    assert named - codes() == set()


def test_parameters_of_the_template_that_pages_name_are_there() -> None:
    table = re.findall(r"(?m)^\| (`[A-Z]\w+`[^|]*) \|", PROSE["self-hosting"])
    named = {each for row in table for each in re.findall(r"`(\w+)`", row)}
    assert named
    assert [each for each in named if f"\n  {each}:" not in (ROOT / "template.yaml").read_text()] == []


def test_the_cost_of_a_gateway_is_what_was_counted() -> None:
    counted = (ROOT / "docs/cost.md").read_text()
    of = {row[0]: row[1] for row in re.findall(r"(?m)^\| ([^|]+) \|.*?\*\*([\d.,]+)\*\*", counted)}
    told = re.findall(r"(?m)^\| [^|]+ \| ([\d.,]+) \|$", PROSE["self-hosting"])
    rows = ("**in all**", "chat", "chat, streamed", "embeddings", "images", "videos")
    assert told == [of[row] for row in rows]


def test_each_block_is_run_or_says_why_not() -> None:
    known = {*RUN, "json", "text"}
    assert [block for block in blocks() if block.language not in known] == []
    assert [block for block in blocks() if block.info and not re.fullmatch(r"not-run: .{10,}", block.info)] == []
