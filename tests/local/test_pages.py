"""Tests of the pages that the local commands print."""

import asyncio
import re
from argparse import Namespace
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from gateway.admin.commands import shown
from local import mail
from local.accounts import amount_of
from local.serve import CURL, VARIABLES
from tests.hangs import HANGS_AFTER_S

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_line_to_paste_is_the_readmes() -> None:
    assert CURL.format(root_url="http://127.0.0.1:8080", key="$NEXEVO_API_KEY") in README


def test_the_variables_to_paste_are_those_that_the_documents_read() -> None:
    guide = Path(__file__).parents[2] / "docs/guide"
    named = [
        name
        for page in ("index", "realtime")
        for name in re.findall(r"export (NEXEVO_\w+)=", (guide / f"{page}.md").read_text())
    ]
    read = {name for page in guide.glob("*.md") for name in re.findall(r"NEXEVO_[A-Z_]+_(?:KEY|URL)", page.read_text())}
    assert set(named) == read
    assert re.findall(r"(NEXEVO_\w+)=", VARIABLES) == named


@pytest.mark.parametrize(
    ("written", "nanousd"), [("0.0000001", 100), ("1E-7", 100), ("1e2", 100 * 10**9), ("100", 100 * 10**9)]
)
def test_a_balance_may_be_any_decimal(written: str, nanousd: int) -> None:
    assert amount_of(Decimal(written)) == nanousd


def test_a_credit_is_a_page_for_a_person_and_a_line_for_a_program() -> None:
    entry = {"id": "e1", "amount_nano": 1_500_000_000}
    assert shown(Namespace(command="credit", json=False), entry) == "credited 1.5 USD, entry e1"
    assert shown(Namespace(command="credit", json=True), entry) == '{"id":"e1","amount_nano":1500000000}'


def test_a_sweep_is_a_page_for_a_person() -> None:
    report = {"released": 2, "charged": 1, "ended_before": 0, "left": 4}
    assert shown(Namespace(command="sweep", json=False), report).startswith(
        "ended 3 overdue holds: 2 released, 1 charged"
    )


async def _told(data: Path, sent: list[str]) -> list[str]:
    """Sends letters one after the other, each once the one before was told of."""
    said: asyncio.Queue[str] = asyncio.Queue()
    telling = asyncio.create_task(mail.tell(data, said.put_nowait))
    await asyncio.sleep(0)
    told = []
    for text in sent:
        write_letter(data, text)
        told.append(await asyncio.wait_for(said.get(), HANGS_AFTER_S))
    telling.cancel()
    return told


def write_letter(data: Path, text: str) -> None:
    line = orjson.dumps({"to": ["jane@example.com"], "subject": "Hello", "text": text})
    with (data / mail.FILE).open("ab") as file:
        file.write(line + b"\n")


@pytest.mark.parametrize("has_old_letters", [False, True])
def test_the_link_of_each_new_letter_is_told_once(tmp_path: Path, has_old_letters: bool) -> None:
    if has_old_letters:
        write_letter(tmp_path, "Open http://127.0.0.1:1/console/verify-email#token=old now.")
    link = "http://127.0.0.1:8080/console/verify-email#token=a-b_c"
    assert asyncio.run(_told(tmp_path, [f"Welcome.\n\n{link}\n\nBye.", "No link."])) == [
        f"letter to jane@example.com: {link}",
        "letter to jane@example.com: Hello",
    ]
