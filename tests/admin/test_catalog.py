"""Tests that an operator can show, compare, set and roll back the document over the catalog."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.admin import catalog
from gateway.admin.commands import parser, shown
from gateway.catalog.schema import CatalogError
from gateway.errors import Conflict, NotFound
from gateway.ports.catalog import StoredOverrides
from tests.fakes.overrides import MemoryOverrides
from tests.stores.conftest import StoppedClock

pytestmark = pytest.mark.anyio

CHEAP = '{"chat": {"models": [{"id": "gpt-4o", "price": {"input": "2", "output": "10"}}]}}'
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
        services: Any = SimpleNamespace(overrides=self.store, clock=StoppedClock())
        arguments = parser().parse_args(["--stack", "s", "catalog", *words])
        answer = await catalog.run(services, arguments)
        return answer, shown(arguments, answer)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_document_becomes_the_next_version_with_who_and_when_and_why(desk: Desk) -> None:
    answer, page = await desk.run("set", desk.file(CHEAP), "--by", "ann", "--note", "cheaper")
    assert answer["version"] == 1
    assert 'gpt-4o: price.input: "2.50" -> "2"' in page
    assert desk.store.versions == [StoredOverrides(1, CHEAP, "ann", 1_795_244_400, "cheaper")]
    await desk.run("set", desk.file(DEAR), "--by", "bob")
    _, page = await desk.run("show")
    assert page.splitlines()[:2] == ["version 2  1795244400  bob", "version 1  1795244400  ann  cheaper"]
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
    assert (await desk.run("diff"))[0] == {"version": 1, "changes": answer["changes"]}
    assert (await desk.run("diff", desk.file(CHEAP)))[1] == "nothing changes\nversion 1 is in use"


async def test_a_rollback_sets_an_earlier_version_anew(desk: Desk) -> None:
    await desk.run("set", desk.file(CHEAP))
    await desk.run("set", desk.file(DEAR))
    await desk.run("rollback", "1")
    assert [(stored.version, stored.text, stored.note) for stored in desk.store.versions[2:]] == [
        (3, CHEAP, "as version 1")
    ]
    await desk.run("rollback", "0", "--note", "enough")
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
