"""Tests of users' documents: they are served to strangers, and say nothing that the code does not bear out."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from decimal import Decimal
from gzip import decompress
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from gateway.console.guide import MENU
from gateway.http.buffered import answered
from local.guide.causes import CAUSES, JOBS
from local.guide.codes import Given, given
from local.guide.meanings import MEANINGS
from local.guide.pages import FOLDER, OPENAPI, SOURCES, pages, rendered, written
from local.guide.reference import bodies, meaning
from tests.console.harness import Browser
from tests.guide_programs import RUN, blocks

ROOT = Path(__file__).parents[2]
DOCUMENT = orjson.loads(OPENAPI.read_bytes())
WRITTEN = {path.stem: path.read_text() for path in sorted(SOURCES.glob("*.md"))}
PROSE = {name: re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE) for name, text in WRITTEN.items()}


def test_what_is_served_is_what_the_sources_give() -> None:
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == pages(), "run `make docs`"


def test_every_page_is_in_the_menu() -> None:
    assert set(MENU) == set(written())


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
async def test_a_name_that_is_not_in_the_menu_is_a_page_that_says_so_and_is_not_kept(path: str) -> None:
    shown = await Browser(None).get(path)
    assert (shown.status, shown.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert shown.headers["cache-control"] == "no-store"
    assert "set-cookie" not in shown.headers
    assert "There is no such page" in shown.text
    assert 'href="/prod/docs/find"' in shown.text
    assert 'aria-current="page"' not in shown.text


@pytest.mark.anyio
async def test_an_address_with_a_slash_at_its_end_leads_to_the_page() -> None:
    for path, to in (("/docs/", "/docs"), ("/docs/chat/?a=b c", "/docs/chat?a=b%20c"), ("/console/", "/console")):
        shown = await Browser(None).get(path)
        assert (shown.status, shown.headers["location"]) == (308, f"/prod{to}")
        assert "set-cookie" not in shown.headers


BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept_encoding": "gzip, deflate, br"}


@pytest.mark.anyio
async def test_a_browser_gets_a_page_compressed_and_other_clients_as_it_is() -> None:
    plain = await Browser(None).get("/docs/reference")
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept, Accept-Encoding"
    shown = await Browser(None).get("/docs/reference", **BROWSER)
    assert shown.headers["content-encoding"] == "gzip"
    assert decompress(shown.body) == plain.body
    assert len(shown.body) * 6 < len(plain.body)
    # API Gateway would send these the base64 as it is, or they do not read the coding.
    for changed in (
        {"accept": "*/*"},
        {"accept_encoding": "br"},
        {"accept_encoding": "gzip;q=0"},
        {"accept_encoding": ""},
    ):
        assert (await Browser(None).get("/docs/reference", **BROWSER | changed)).body == plain.body


@pytest.mark.anyio
async def test_a_page_that_is_the_same_is_not_sent_again() -> None:
    tag = (await Browser(None).get("/docs/chat")).headers["etag"]
    other = (await Browser(None).get("/docs/tools")).headers["etag"]
    assert tag != other
    for known in (tag, f'"x", {tag.removeprefix("W/")}', "*"):
        shown = await Browser(None).get("/docs/chat", **BROWSER, if_none_match=known)
        assert (shown.status, shown.body, shown.headers["etag"]) == (304, b"", tag)
        # What is kept takes the fields of the 304: https://www.rfc-editor.org/rfc/rfc9111#section-3.2
        assert shown.headers["content-type"] == "text/html; charset=utf-8"
        assert shown.headers["cache-control"] == "public, max-age=300"
        assert "content-encoding" not in shown.headers
    assert (await Browser(None).get("/docs/chat", if_none_match=other)).status == 200


def test_what_is_compressed_leaves_a_function_in_base64() -> None:
    event = {
        "resource": "/docs/{proxy+}",
        "path": "/docs/chat",
        "httpMethod": "GET",
        "headers": {"accept": "text/html", "accept-encoding": "gzip"},
        "requestContext": {"requestId": "r-1", "path": "/prod/docs/chat", "identity": {"sourceIp": "192.0.2.1"}},
    }
    told = asyncio.run(answered(Browser(None).app, event, Lambda()))
    assert (told["isBase64Encoded"], told["headers"]["content-encoding"]) == (True, "gzip")
    assert b"<h1" in decompress(b64decode(told["body"]))
    told = asyncio.run(answered(Browser(None).app, {**event, "headers": {}}, Lambda()))
    assert (told["isBase64Encoded"], "<h1" in told["body"]) == (False, True)


class Lambda:
    """Context of an invocation."""

    aws_request_id = "i"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def test_every_link_of_every_page_leads_to_a_page_and_a_heading_of_it() -> None:
    found = {path.stem: path.read_text() for path in FOLDER.iterdir()}
    ids = {name: re.findall(r' id="([^"]+)"', html) for name, html in found.items()}
    assert [name for name, own in ids.items() if len(own) != len(set(own))] == []
    lost, inner = [], 0
    for name, html in found.items():
        for to in re.findall(r'href="([^"]+)"', html):
            path, _, heading = to.partition("#")
            page = name if not path else path.removeprefix("@/docs").strip("/") or "index"
            known = page in MENU or path in {"@/console", "@/openapi.json"} or path.startswith("https://")
            inner += page in MENU
            if not known or (heading and heading not in ids.get(page, ())):
                lost.append((name, to))
    assert lost == []
    assert inner > 1000


@pytest.mark.parametrize("name", MENU)
def test_a_page_is_read_out_in_order(name: str) -> None:
    """Headings go down one level at a time, no head of a table is empty, and the keyboard reaches what scrolls."""
    html = pages()[f"{name}.html"]
    levels = [int(level) for level in re.findall(r"<h(\d)", html)]
    assert levels[0] == 1
    assert [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1] == []
    assert "<th></th>" not in html
    assert html.count('class="wide"') == html.count('class="wide" tabindex="0" role="region" aria-label=')


def test_a_page_with_many_sections_lists_them_and_a_wide_table_scrolls_by_itself() -> None:
    page = rendered("# P\n\nText.\n\n## A\n\n## B\n\n## A\n\n## C\n\n|a|b|c|d|e|\n|---|---|---|---|---|\n|1|2|3|4|5|\n")
    assert '<li><a href="#a">A</a></li><li><a href="#b">B</a></li><li><a href="#a-1">A</a></li>' in page
    assert '<div class="wide" tabindex="0" role="region" aria-label="C">\n<table>' in page
    assert page.index("contents") < page.index("Text.")
    assert "contents" not in rendered("# P\n\n## A\n\n## B\n")


def test_a_to_z_has_every_heading_parameter_and_code() -> None:
    terms = set(re.findall(r"(?m)^- (.+?): \[", written()["find"]))
    bare = {term.strip("`") for term in terms}
    assert {each.code for each in given()} <= bare
    assert {
        name for shape in bodies(DOCUMENT) for name in DOCUMENT["components"]["schemas"][shape]["properties"]
    } <= bare
    assert {h.replace("`", "") for text in PROSE.values() for h in re.findall(r"(?m)^##+ (.+)$", text)} <= bare


def test_every_code_of_an_error_has_its_cause_and_its_cure() -> None:
    assert {each.code for each in given()} == set(CAUSES), "mend local/guide/causes.py and run `make docs`"
    assert set(re.findall(r'JobError\(\s*"(\w+)"', _code())) | {
        "permission_error",
        "server_error",
        "moderation",
    } == set(JOBS)
    page = written()["errors"]
    assert [each for each in given() if not each.in_event and f"\n## {each.status}\n" not in page] == []


def test_codes_are_found_however_the_code_names_them() -> None:
    found = given()
    assert Given("invalid_api_key", 401, "authentication_error") in found  # by its class
    assert Given("payments_not_configured", 503, "server_error") in found  # by a constant
    assert Given("context_length_exceeded", 400, "invalid_request_error") in found  # by a condition
    assert Given("invalid_type", 400, "invalid_request_error") in found  # by a function that makes it
    assert Given("route_not_found", 404, "invalid_request_error") in found  # by the template
    assert Given("buffer_full", 400, "invalid_request_error", in_event=True) in found


def _code() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "layers/shared/gateway").rglob("*.py"))


def test_endpoints_that_pages_name_are_served() -> None:
    served = {f"{method.upper()} {path}" for path, at in DOCUMENT["paths"].items() for method in at}
    named = {each for text in PROSE.values() for each in re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]*)`", text)}
    assert len(named) > 20
    # Google's methods stand behind a colon of one path.
    assert {each for each in named if ":" not in each} - served == set()


def test_every_endpoint_that_users_call_is_told_of_in_a_guide() -> None:
    text = "\n".join(WRITTEN.values())
    # Google's own names for what is told of, and where providers call.
    others = {
        "/v1beta/models",
        "/v1beta/{resource}",
        "/v1beta/tunedModels/{call}",
        "/v1/callbacks/{provider}/{job_id}/{attempt}",
    }
    lost = []
    for path in set(DOCUMENT["paths"]) - others:
        parts = [
            r"[^\s\"`/]+" if part.startswith("{") else re.escape(part) for part in path.removeprefix("/v1").split("/")
        ]
        if not re.search("/".join(parts) + r"(?![\w/])", text):
            lost.append(path)
    assert lost == [], "tell of it in a page of docs/guide"


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
    assert named - {each.code for each in given()} == set()


def test_parameters_of_the_template_that_pages_name_are_there() -> None:
    table = re.findall(r"(?m)^\| (`[A-Z]\w+`[^|]*) \|", PROSE["self-hosting"])
    named = {each for row in table for each in re.findall(r"`(\w+)`", row)}
    assert named
    assert [each for each in named if f"\n  {each}:" not in (ROOT / "template.yaml").read_text()] == []


def test_the_cost_of_a_gateway_is_what_was_counted() -> None:
    counted = (ROOT / "docs/cost.md").read_text()
    of = {row[0]: row[1] for row in re.findall(r"(?m)^\| ([^|]+) \|.*?\*\*([\d.,]+)\*\*", counted)}
    each, months = re.findall(r"(?ms)^\| [^|]+ \| USD[^|]* \|$(.*?)(?=\n\n|\Z)", PROSE["self-hosting"])
    rows = ("**in all**", "chat", "chat, streamed", "embeddings", "images", "videos")
    assert re.findall(r"(?m)\| ([\d.,]+) \|$", each) == [of[row] for row in rows]
    names = {"streamed answers": "chat, streamed", "embeddings": "embeddings", "pictures": "images", "videos": "videos"}
    amounts = re.findall(r"(?m)^\| ([^|]+) \| ([\d.,]+) \|$", months)
    assert len(amounts) == 3
    for traffic, usd in amounts:
        parts = re.findall(rf"([\d,]+)( million)? ({'|'.join(names)})", traffic)
        millions = [Decimal(n.replace(",", "")) / (1 if big else 1_000_000) for n, big, _ in parts]
        spent = sum(m * Decimal(of[names[what]]) for m, (_, _, what) in zip(millions, parts, strict=True))
        assert Decimal(usd) == (Decimal(of["**in all**"]) + spent).quantize(Decimal("0.01"))


def test_each_block_is_run_or_says_why_not() -> None:
    known = {*RUN, "json", "text"}
    assert [block for block in blocks() if block.language not in known] == []
    assert [block for block in blocks() if block.info and not re.fullmatch(r"not-run: .{10,}", block.info)] == []
