"""Tests that an operator can show, compare, set and roll back the document over the catalog."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from gateway.admin import catalog
from gateway.admin.commands import parser, shown
from gateway.catalog.schema import CatalogError
from gateway.errors import Conflict, NotFound
from gateway.ports.catalog import StoredOverrides
from gateway.wiring.catalogs import plain_kinds
from tests.fakes.overrides import MemoryOverrides
from tests.fakes.provider_rows import MemoryProviderRows
from tests.stores.conftest import StoppedClock

pytestmark = pytest.mark.anyio

# The section of a kind of models without facts of their own.
PLAIN = plain_kinds()[0][0].section
NEW: dict[str, Any] = {"id": "omni-x", "owned_by": "openai", "created": 1731689265, "price": "0"}
FREE = orjson.dumps({PLAIN: {"models": [NEW]}}).decode()
CHEAP = '{"chat": {"models": [{"id": "gpt-4o", "price": {"input": "2", "cache_read": "1", "output": "10"}}]}}'
DEAR = '{"margins": {"passthrough": "9"}}'


class Desk:
    """An operator's desk: words in, answers out, over a store in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = MemoryOverrides()

    def file(self, text: str) -> str:
        path = self.folder / "document.json"
        path.write_text(text)
        return str(path)

    async def run(self, *words: str) -> tuple[dict[str, Any], str]:
        rows = MemoryProviderRows({"custom/there": {"base_url": "http://10.0.0.7/v1"}})
        services: Any = SimpleNamespace(overrides=self.store, clock=StoppedClock(), provider_rows=rows)
        act = ("--by", "bob", "--why", "a test") if words[0] in {"set", "rollback"} else ()
        arguments = parser().parse_args(["--stack", "s", "catalog", words[0], *act, *words[1:]])
        answer = await catalog.run(services, arguments)
        return answer, shown(arguments, answer)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_document_becomes_the_next_version_with_who_and_when_and_why(desk: Desk) -> None:
    answer, page = await desk.run("set", desk.file(CHEAP), "--by", "ann", "--why", "cheaper")
    assert answer["version"] == 1
    assert 'gpt-4o: price.input: "2.50" -> "2"' in page
    assert desk.store.versions == [StoredOverrides(1, CHEAP, "ann", 1_795_244_400, "cheaper")]
    await desk.run("set", desk.file(DEAR))
    _, page = await desk.run("show")
    assert page.splitlines()[:2] == ["version 2  1795244400  bob  a test", "version 1  1795244400  ann  cheaper"]
    assert '"passthrough": "9"' in page
    answer, _ = await desk.run("show", "--version", "1")
    assert (answer["by"], answer["document"]["chat"]["models"][0]["id"]) == ("ann", "gpt-4o")


async def test_a_wrong_document_is_refused_with_row_and_member_and_becomes_no_version(desk: Desk) -> None:
    with pytest.raises(CatalogError, match=r"json: model 'gpt-4o': target 1: price: member 'output' is missing"):
        await desk.run("set", desk.file(CHEAP.replace(', "output": "10"', "")))
    assert desk.store.versions == []


async def test_what_a_document_would_change_is_told_and_changes_nothing(desk: Desk) -> None:
    answer, page = await desk.run("diff", desk.file(CHEAP))
    assert 'gpt-4o: price.input: "2.50" -> "2"' in answer["changes"]
    assert page.endswith("version 0 is in use")
    assert desk.store.versions == []
    await desk.run("set", desk.file(CHEAP))
    assert (await desk.run("diff"))[0] == {"version": 1, "changes": answer["changes"], "look": []}
    assert (await desk.run("diff", desk.file(CHEAP)))[1] == "nothing changes\nversion 1 is in use"


async def test_a_rollback_sets_an_earlier_version_anew(desk: Desk) -> None:
    await desk.run("set", desk.file(CHEAP))
    await desk.run("set", desk.file(DEAR))
    await desk.run("rollback", "1")
    assert [(stored.version, stored.text, stored.note) for stored in desk.store.versions[2:]] == [(3, CHEAP, "a test")]
    await desk.run("rollback", "0", "--why", "enough")
    assert [(stored.text, stored.note) for stored in desk.store.versions[3:]] == [("{}", "enough")]
    with pytest.raises(NotFound):
        await desk.run("rollback", "9")


async def test_two_operators_at_once_do_not_overwrite_each_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.run("set", desk.file(CHEAP))

    async def nothing() -> None:
        return None

    monkeypatch.setattr(desk.store, "current", nothing)
    with pytest.raises(Conflict):
        await desk.run("set", desk.file(DEAR))


def chat(**row: Any) -> str:
    return orjson.dumps({"chat": {"models": [row]}}).decode()


OWN = {
    "id": "own/llama3",
    "provider": "custom/there",
    "owned_by": "meta",
    "created": 1_760_000_000,
    "context_window": 8192,
    "max_output_tokens": 4096,
    "input": ["text"],
    "capabilities": ["tools"],
    "profile": "compatible",
    "wires": ["openai_chat"],
    "price": {"input": "0.10", "output": "0.20"},
}


@pytest.mark.parametrize(
    ("document", "line", "name"),
    [
        (chat(id="gpt-4o", price={"input": "250", "output": "1000"}), "gpt-4o: openai input 2.50 -> 250", "gpt-4o"),
        (chat(id="gpt-4o", price={"input": "2.50", "output": "12.60"}), "gpt-4o: openai output 10 -> 12.60", "gpt-4o"),
        (chat(id="gpt-4o", price={"input": "0", "output": "0"}), "gpt-4o: azure output 10 -> 0", "gpt-4o"),
        # Without its own price a cached token is paid as another of the prompt.
        (chat(id="gpt-4o", price={"input": "2.50", "output": "10"}), "openai cache_read 1.25 -> 2.50", "gpt-4o"),
        (chat(id="gpt-4o", targets=[{"provider": "azure", "price": {"input": "25", "output": "10"}}]),
         "gpt-4o: azure input 2.50 -> 25", "gpt-4o"),
        (chat(id="gpt-4o", margin="1000"), "gpt-4o: margin 5 -> 1000 percent", "gpt-4o"),
        (chat(**OWN | {"price": {"input": "0", "output": "0.20"}}),
         "own/llama3: custom/there input none -> 0", "own/llama3"),
        ('{"margins": {"passthrough": "60"}}', "margins: passthrough 5 -> 60 percent", "margins"),
        ('{"chat": {"aliases": [{"id": "nexevo/fast", "price": {"input": "0", "output": "0"}}]}}',
         "nexevo/fast: input 3 -> 0", "nexevo/fast"),
        ('{"embeddings": {"models": [{"id": "text-embedding-3-small", "price": {"input": "0.2"}}]}}',
         "text-embedding-3-small: openai input 0.02 -> 0.2", "text-embedding-3-small"),
        ('{"rerank": {"models": [{"id": "rerank-2.5", "price": {"input": "0.5"}}]}}',
         "rerank-2.5: voyage input 0.05 -> 0.5", "rerank-2.5"),
        (FREE,
         "omni-x: openai none -> 0", "omni-x"),
    ],
)  # fmt: skip
async def test_a_price_that_moves_far_or_to_nothing_is_set_once_it_is_accepted(
    desk: Desk, document: str, line: str, name: str
) -> None:
    with pytest.raises(CatalogError, match=f"--accept {name}") as caught:
        await desk.run("set", desk.file(document))
    assert line in str(caught.value)
    assert any(line in look for look in (await desk.run("diff", desk.file(document)))[0]["look"])
    assert desk.store.versions == []
    await desk.run("set", desk.file(document), "--accept", f"other,{name}")
    # What was accepted is asked about once.
    await desk.run("set", desk.file(document))
    assert len(desk.store.versions) == 2


@pytest.mark.parametrize(
    "document",
    [
        CHEAP,
        chat(**OWN),
        chat(id="gpt-4o", margin="12"),
        chat(id="gpt-4o", targets=[{"provider": "azure"}]),
        '{"margins": {"passthrough": "4.5", "byok": "1"}}',
    ],
)
async def test_a_usual_change_needs_no_word(desk: Desk, document: str) -> None:
    answer, _ = await desk.run("set", desk.file(document))
    assert (answer["version"], answer["look"]) == (1, [])


async def test_a_rollback_asks_nothing_anew(desk: Desk) -> None:
    await desk.run("set", desk.file(chat(id="gpt-4o", price={"input": "250", "output": "1000"})), "--accept", "gpt-4o")
    assert (await desk.run("rollback", "0"))[0]["version"] == 2


async def test_a_provider_without_an_address_is_told(desk: Desk) -> None:
    answer, page = await desk.run("set", desk.file(chat(**OWN | {"provider": "custom/later"})))
    assert answer["look"] == ["custom/later has no address yet: set-provider-key custom/later"]
    assert "look: custom/later has no address yet" in page


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ('{"chat": {"price_version": "2099-01-01"}}', "chat: price_version: 2099-01-01 is after today, 2026-11-21"),
        (chat(**OWN | {"id": "own/\u6a21\u578b"}), "id: must be of visible ASCII"),
        (chat(**OWN | {"id": "own/x\u0007"}), "id: must be of visible ASCII"),
        (chat(**OWN | {"id": "own/x y"}), "id: must be of visible ASCII"),
        (chat(**OWN | {"id": "x" * 201}), "id: must have at most 200 characters"),
        (chat(**OWN | {"provider": "custom/A"}), "provider: 'custom/A' is not like"),
        (chat(**OWN | {"provider": "custom/a/b"}), "provider: 'custom/a/b' is not like"),
        (chat(**OWN | {"provider": "custom/"}), "provider: 'custom/' is not like"),
        ('{"chat": {"models": [{"id": "gpt-4o"}, {"id": "gpt-4o"}]}}', "'gpt-4o' is there twice"),
        (chat(id="gpt-4o", targets=[]), "targets: must be a list with something in it"),
    ],
)
@pytest.mark.parametrize("action", ["set", "diff"])
async def test_what_is_wrong_is_refused_before_it_is_shown_as_a_change(
    desk: Desk, action: str, document: str, told: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        await desk.run(action, desk.file(document))
    assert told in str(caught.value)


async def test_margins_are_told_once_and_the_day_of_prices_with_them(desk: Desk) -> None:
    document = '{"margins": {"passthrough": "4.5"}, "media": {"price_version": "2026-11-20"}}'
    answer, _ = await desk.run("diff", desk.file(document))
    assert answer["changes"] == ['margins: passthrough: none -> "4.5"', "price_version: 2026-11-21 -> 2026-11-20"]


async def test_the_catalog_of_the_release_is_shown_as_version_0(desk: Desk) -> None:
    assert (await desk.run("show", "--version", "0"))[1] == "version 0 is the catalog of the release\n{}"
