"""Tests that the console has Chinese for the codes of errors, and for no code that there is not."""

import re
from pathlib import Path

import orjson

from tests.console.harness import Browser

GATEWAY = Path(__file__).parents[2] / "layers" / "shared" / "gateway"
CODE = re.compile(r"""(?:\bcode=|default_code[^=\n]*= |JobError\(|Refused\(\d+, )"([a-z_]+)\"""")
# What is spoken over sockets and by responses in the background: no page and not the playground meets it.
ELSEWHERE = ("sockets", "realtime", "protocols/realtime", "responses", "cache", "conversations")


def codes(*, elsewhere: bool) -> set[str]:
    found: set[str] = set()
    for path in GATEWAY.rglob("*.py"):
        inside = path.relative_to(GATEWAY).as_posix()
        if elsewhere or not inside.startswith(ELSEWHERE):
            found.update(CODE.findall(path.read_text()))
    return found


def test_each_code_that_a_page_can_meet_has_its_chinese() -> None:
    chinese = orjson.loads((Browser().app.folder / "words" / "codes.zh.json").read_bytes())
    assert codes(elsewhere=False) - chinese.keys() == set()
    assert chinese.keys() - codes(elsewhere=True) == set()
