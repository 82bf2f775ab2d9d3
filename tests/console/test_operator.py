"""Tests the operator's view: whom it is shown to, and what it tells of people, providers and jobs."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from functions.operator import app as function
from gateway.errors import AuthenticationFailed, PermissionDenied
from gateway.people.overseeing import Overseer
from gateway.people.sessions import Sessions
from gateway.ports.health import SharedStanding
from gateway.ports.people import User
from gateway.ports.provider_keys import Envelope
from gateway.stores.aws.alarms import CloudWatchAlarms
from gateway.stores.aws.client import AwsError, Unanswered
from tests.console.harness import SIGNED_IN, Browser, Clock
from tests.control_plane.harness import CALLER_IP, NOW_S
from tests.fakes.people import MemoryPeople

pytestmark = pytest.mark.anyio

FACTOR = Envelope("key", "secret")
OPERATOR = User("user_000000000000000001", "acc_1", "op@example.com", "hash", int(NOW_S), totp=FACTOR)
OTHER = User("user_000000000000000002", "acc_2", "jane@example.com", "hash", int(NOW_S) + 1)


class CloudWatch:
    """The part of `AwsApi` that lists alarms: pages by the token that asks for them, or an error."""

    def __init__(self, *pages: Any) -> None:
        self._pages = pages

    async def call(self, service: str, operation: str, payload: Any) -> Any:
        assert (service, operation, payload["AlarmNamePrefix"]) == ("monitoring", "DescribeAlarms", "nexgate-")
        page = self._pages[int(payload.get("NextToken", 0))]
        if isinstance(page, AwsError):
            raise page
        return page


class Deployment:
    """The parts of stores that the view reads."""

    def __init__(self, *people: User) -> None:
        self._people = people

    async def people(self) -> AsyncIterator[User]:
        for one in self._people:
            yield one

    async def state(self, account_id: str, key_id: str, key_rpm_limit: int, now_s: float) -> None:
        del account_id, key_id, key_rpm_limit, now_s

    async def read(self, now_s: float) -> dict[str, SharedStanding]:
        return {
            "openai|second|gpt-4o": SharedStanding(3, now_s + 60),
            "groq||llama": SharedStanding(1, now_s - 1),
            "groq||": SharedStanding(2, now_s + 1),
            "pace|stream|openai|gpt-4o": SharedStanding(0, 0.0, late_s=1.0),
        }

    async def due(self, now_s: float) -> AsyncIterator[Any]:
        del now_s
        nothing: tuple[Any, ...] = ()
        for one in nothing:
            yield one


async def overseer(person: User, *pages: Any) -> tuple[Overseer, str]:
    """Returns the view, and the access token of a person; `pages` are CloudWatch's answers."""
    store = MemoryPeople()
    await store.add(person, person.email)
    sessions: Any = Sessions(store, Clock())
    token = (await sessions.open(person, CALLER_IP, "test"))["access_token"]
    of: Any = Deployment(OPERATOR, OTHER)
    cloudwatch: Any = CloudWatch(*pages or ({},))
    alarms = CloudWatchAlarms(cloudwatch, "nexgate")
    return Overseer(sessions, of, of, of, of, alarms, Clock(), frozenset({"op@example.com"})), token


async def test_an_operator_with_a_second_factor_sees_the_newest_people_and_what_is_not_well() -> None:
    view, token = await overseer(OPERATOR)
    shown = await view.view(token)
    assert [one["email"] for one in shown["accounts"]] == ["jane@example.com", "op@example.com"]
    told = [(one["provider"], one["credential"], one["model"], one["resting"]) for one in shown["targets"]]
    assert told == [("groq", None, None, True), ("groq", None, "llama", False), ("openai", "second", "gpt-4o", True)]
    assert (shown["people"], shown["stuck_jobs"], shown["alarms"]) == (2, [], {"total": 0, "not_ok": []})


def alarm(name: str, state: str) -> dict[str, Any]:
    return {"AlarmName": f"nexgate-{name}-1A2B3C4D5E6F", "StateValue": state, "StateUpdatedTimestamp": 1.5}


async def test_an_operator_sees_the_alarms_of_every_page_that_are_not_well() -> None:
    pages = (
        {"MetricAlarms": [alarm("ChatAlarm", "OK"), alarm("WorkLeft", "INSUFFICIENT_DATA")], "NextToken": "1"},
        {"MetricAlarms": [{**alarm("MoneyLost", "ALARM"), "AlarmDescription": "Settlements were lost."}]},
    )
    view, token = await overseer(OPERATOR, *pages)
    shown = (await view.view(token))["alarms"]
    since = "1970-01-01T00:00:01Z"
    assert shown == {
        "total": 3,
        "not_ok": [
            {"name": "MoneyLost", "state": "alarm", "since": since, "description": "Settlements were lost."},
            {"name": "WorkLeft", "state": "insufficient_data", "since": since, "description": ""},
        ],
    }


async def test_the_alarms_of_a_stack_whose_name_begins_alike_are_not_shown() -> None:
    view, token = await overseer(
        OPERATOR, {"MetricAlarms": [alarm("prod-ChatAlarm", "ALARM"), alarm("ChatAlarm", "OK")]}
    )
    assert (await view.view(token))["alarms"] == {"total": 1, "not_ok": []}


async def test_an_operator_sees_the_rest_where_cloudwatch_does_not_answer() -> None:
    view, token = await overseer(OPERATOR, Unanswered("x", "y"))
    shown = await view.view(token)
    assert (shown["alarms"], shown["people"]) == (None, 2)


@pytest.mark.parametrize("person", [OTHER, replace(OTHER, totp=FACTOR), replace(OPERATOR, totp=None)])
async def test_no_other_person_sees_it(person: User) -> None:
    view, token = await overseer(person)
    with pytest.raises(PermissionDenied) as refused:
        await view.view(token)
    assert refused.value.code == "not_an_operator"


@pytest.mark.parametrize("text", ["", "sk-xc-key", "nxa_x"])
async def test_no_key_and_no_stranger_sees_it(text: str) -> None:
    view, _ = await overseer(OPERATOR)
    with pytest.raises(AuthenticationFailed):
        await view.view(text)


async def test_the_function_answers_the_console_as_the_api_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    view, token = await overseer(OPERATOR)
    monkeypatch.setattr(function, "overseer", lambda: view)
    shown = await function.shown({"multiValueHeaders": {"authorization": [f"Bearer {token}"]}}, None)
    assert (shown["statusCode"], orjson.loads(shown["body"])["people"]) == (200, 2)
    for event in ({}, {"multiValueHeaders": {"authorization": [token]}}):
        refused = await function.shown(event, None)
        assert (refused["statusCode"], "error" in orjson.loads(refused["body"])) == (401, True)


async def test_the_page_is_made_of_the_functions_answer() -> None:
    browser = Browser(SIGNED_IN)
    shown = await browser.get("/console/operator")
    assert "op@example.com" in shown.text
    family, event = browser.api.asked[0]
    assert (family, event["multiValueHeaders"]["authorization"]) == ("operator", ["Bearer nxa_1"])
