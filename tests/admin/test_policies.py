"""Tests that an operator can list, set and evaluate the policies of aliases."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.admin.commands import COMMANDS, parser, shown
from gateway.errors import Conflict, InvalidRequest
from gateway.ports.routes import Offered, RoutedOutcome, RoutedRating
from tests.fakes.operator import memory_operator

pytestmark = pytest.mark.anyio
ARMS = ("a/cheap", "b/dear")


def document(version: str, *kinds: str) -> dict[str, Any]:
    percents = [100, *([0] * (len(kinds) - 1))]
    parts = [
        {"name": kind, "percent": share, "kind": kind, "weights": {"rating": 1, "success": 0, "latency": 0, "cost": 0}}
        for kind, share in zip(kinds, percents, strict=True)
    ]
    return {"version": version, "parts": parts}


class Desk:
    """An operator's desk: words in, answers out, over a store in memory."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "policy.json"
        self.services = memory_operator()
        self.now_s = self.services.clock.now_s()

    async def run(self, action: str, written: Any = None, *words: str) -> dict[str, Any]:
        if written is not None:
            self.path.write_text(written if isinstance(written, str) else orjson.dumps(written).decode())
            words = (str(self.path), *words)
        act = ("--by", "bob", "--why", "a test") if action == "set" else ()
        arguments = parser().parse_args(["--stack", "s", "policies", action, *words, *act])
        answer = await COMMANDS["policies"](self.services, arguments)
        assert orjson.loads(shown(arguments, answer)) == answer
        return answer

    async def log(self, count: int, likes: dict[str, float], first: float = 0.5, age_s: float = 3_600) -> None:
        """Logs decisions between the two arms, the first one with that probability, each rated."""
        draw = random.Random(11)
        for number in range(count):
            arm, at_s = ARMS[draw.random() >= first], self.now_s - age_s + number
            offered = (Offered(ARMS[0], 1.0, 10.0, 50, first), Offered(ARMS[1], 1.0, 1_000.0, 50, 1 - first))
            named: dict[str, Any] = {"generation_id": f"gen-nxn-{number}", "request_class": "talk.easy"}
            outcome = RoutedOutcome(
                **named, version="1", policy="p", offered=offered, chosen=arm, tried=arm, succeeded=True, seconds=1.0,
                cost=10.0, explored=0.0, at_s=at_s,
            )  # fmt: skip
            await self.services.routes.leave(outcome)
            rated: dict[str, Any] = {"account_id": f"acct_{number}", "user": "u", "arm": arm, "at_s": at_s + 60}
            await self.services.routes.leave(RoutedRating(**named, **rated, liked=draw.random() < likes[arm]))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_document_becomes_the_one_in_use_with_who_and_when(desk: Desk) -> None:
    assert await desk.run("list") == {"policies": []}
    first = await desk.run("set", document("first", "static"))
    second = await desk.run("set", document("second", "learned"))
    assert (first["number"], second["number"], second["set_by"], second["set_at_s"]) == (1, 2, "bob", int(desk.now_s))
    assert await desk.run("list") == {"policies": [second, first]}
    assert second["document"] == document("second", "learned")
    assert orjson.loads((await desk.services.routes.learned()).policy or "") == document("second", "learned")


async def test_a_version_is_never_written_twice(desk: Desk) -> None:
    await desk.run("set", document("first", "static"))
    with pytest.raises(Conflict, match="'first'"):
        await desk.run("set", document("first", "learned"))
    assert len((await desk.run("list"))["policies"]) == 1


@pytest.mark.parametrize("wrong", ["", "{}", '{"version": "1", "parts": []}', document("1", "static") | {"x": 1}])
async def test_what_is_no_policy_is_refused(desk: Desk, wrong: Any) -> None:
    for action in ("set", "evaluate"):
        with pytest.raises(InvalidRequest, match="no policy"):
            await desk.run(action, wrong)
    assert await desk.run("list") == {"policies": []}


async def test_policies_are_scored_by_the_decisions_of_another(desk: Desk) -> None:
    await desk.log(1_500, {ARMS[0]: 0.3, ARMS[1]: 0.9}, first=0.6)
    scored = await desk.run("evaluate", document("new", "cheapest", "learned"))
    cheapest, learned = scored["parts"]
    assert (scored["logged"], scored["days"]) == (1_500, 1)
    for estimate in ("ips", "doubly_robust"):
        assert cheapest[estimate]["low"] < 0.3 < cheapest[estimate]["high"]
        assert cheapest[estimate]["high"] < 0.45 < learned[estimate]["low"]
    assert 100 < cheapest["effective"] < 1_500


async def test_what_is_older_or_was_not_tried_is_not_scored(desk: Desk) -> None:
    await desk.log(100, {ARMS[0]: 0.3, ARMS[1]: 0.9}, age_s=30 * 3_600)
    with pytest.raises(InvalidRequest, match="0 logged requests"):
        await desk.run("evaluate", document("new", "static"))
    assert (await desk.run("evaluate", document("new", "static"), "--days", "2"))["logged"] == 100
