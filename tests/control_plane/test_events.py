"""Tests that send the API Gateway events in `events/` through the handlers that Lambda calls."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from functions.billing.app import handler as billing_handler
from functions.keys.app import handler as keys_handler
from gateway.ports.keys import KeyRecord
from tests.control_plane.harness import ACCOUNT, FULL_KEY, NOW_S, AppUnderTest
from tests.fakes.invocations import LambdaContext
from tests.process_loop import process_loop

EVENTS = Path(__file__).parents[2] / "events"
SAMPLE_KEY = "sk-xc-0000000000000000000000000000000000000000000"


@pytest.fixture(scope="module", autouse=True)
def loops() -> Iterator[None]:
    """Keeps a loop for the handlers."""
    with process_loop():
        yield


@pytest.fixture(autouse=True)
def nexgate() -> AppUnderTest:
    """Builds the account that the samples' key manages."""
    made = AppUnderTest()
    plain = KeyRecord("key_01m7yfjscq00000005", ACCOUNT, "plain", "0000", int(NOW_S))

    async def settle_in() -> None:
        await made.settle_in()
        await made.give_key(SAMPLE_KEY, KeyRecord("key_sample", ACCOUNT, "sample", "0000", int(NOW_S)))
        await made.give_key("sk-xc-plain", plain, can_manage_keys=False)
        await made.money.credit(ACCOUNT, 10**10, once="start", now_s=NOW_S)

    # It uses its own loop, beside the one that the handlers find as this thread's.
    asyncio.new_event_loop().run_until_complete(settle_in())
    return made


def handled(sample: str, *, authorization: Sequence[str] | None = None) -> tuple[dict[str, Any], Any]:
    """Returns the answer of the sample's function: API Gateway's document, and the JSON in its body."""
    event = orjson.loads((EVENTS / sample).read_bytes())
    if authorization is not None:
        event["multiValueHeaders"]["Authorization"] = authorization
    handler = billing_handler if "billing" in event["resource"] else keys_handler
    answer = handler(event, LambdaContext())
    return answer, orjson.loads(answer["body"])


def test_a_key_of_a_provider_is_brought() -> None:
    answer, body = handled("provider-keys-create.json")
    assert (answer["statusCode"], body["provider"], body["last4"], body["verified"]) == (201, "openai", "0000", True)


def test_a_key_is_created() -> None:
    answer, body = handled("keys-create.json")
    assert (answer["statusCode"], answer["isBase64Encoded"], body["key"]["name"]) == (201, False, "prod-2026")
    assert FULL_KEY.fullmatch(body["full_key"])


def test_the_answer_bears_the_events_own_id_and_the_windows() -> None:
    answer, _ = handled("billing-balance.json")
    assert answer["headers"]["x-trace-id"] == "0b7e4c1a-6c2f-4a5e-9b1d-2f3a4b5c6d7e"
    assert answer["headers"]["x-ratelimit-limit"] == "60"


def test_a_spend_cap_is_set_without_v1() -> None:
    _, body = handled("keys-spend-cap.json")
    assert (body["key_id"], body["monthly_spend_cap_usd"]) == ("key_01m7yfjscq00000005", "100")


def test_the_balance_is_told() -> None:
    _, body = handled("billing-balance.json")
    assert (body["balance_usd"], body["held_usd"]) == ("10", "0")


def test_usage_is_told_for_the_days_asked() -> None:
    _, body = handled("billing-usage.json")
    assert (body["days"], list(body["by_tier"])) == (7, ["fast", "balanced", "passthrough", "byok"])


@pytest.mark.parametrize(("second", "status"), [(SAMPLE_KEY, 200), ("sk-xc-plain", 400)])
def test_a_second_key_in_the_same_header_is_refused_where_it_is_another(second: str, status: int) -> None:
    answer, _ = handled("billing-balance.json", authorization=[f"Bearer {SAMPLE_KEY}", f"Bearer {second}"])
    assert answer["statusCode"] == status
