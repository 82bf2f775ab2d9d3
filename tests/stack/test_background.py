"""Tests of background responses over the whole stack, with the official OpenAI SDK."""

import time
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

MODELS = ["gpt-4o", "claude-haiku-4-5", "deepseek-chat"]
SLOW = "Hello! [[sim: chunks=20 chunk_ms=100]]"


def polled(sdk: openai.OpenAI, response: Response, *until: str) -> Response:
    """Polls the response as OpenAI's guide does, until it has one of these statuses."""
    give_up_s = time.monotonic() + HANGS_AFTER_S
    while response.status not in until:
        assert time.monotonic() < give_up_s, response
        time.sleep(0.2)
        response = sdk.responses.retrieve(response.id)
    return response


def cost(response: Response) -> Any:
    extra = response.model_extra
    assert extra is not None
    return extra["nexevo"]["cost_usd"]


def entries(stack: Stack, response: Response) -> list[str]:
    """Lists the ends of the response's hold, once there is one."""
    return stack.ends(hold_id=response.id.removeprefix("resp_nxn-"))


@pytest.mark.parametrize("model", MODELS)
def test_it_is_queued_polled_and_comes_out_as_it_would_have_at_once(
    sdk: openai.OpenAI, stack: Stack, model: str
) -> None:
    asked = sdk.responses.create(model=model, input="Hello!", background=True)
    assert (asked.status, asked.background, asked.output) == ("queued", True, [])
    response = polled(sdk, asked, "completed")
    at_once = sdk.responses.create(model=model, input="Hello!")
    assert (response.output_text, response.usage, cost(response)) == (at_once.output_text, at_once.usage, cost(at_once))
    assert entries(stack, response) == ["charge"]


def test_another_goes_on_from_it(sdk: openai.OpenAI) -> None:
    first = polled(sdk, sdk.responses.create(model="gpt-4o", input="Hello!", background=True), "completed")
    second = sdk.responses.create(model="gpt-4o", input="And now?", previous_response_id=first.id)
    assert sdk.responses.retrieve(second.id).previous_response_id == first.id


def test_its_stream_is_left_and_gone_on_with_after_any_event(sdk: openai.OpenAI) -> None:
    stream = sdk.responses.create(model="gpt-4o", input=SLOW, background=True, stream=True)
    heard = []
    with stream:
        for event in stream:
            heard.append(event)
            if len(heard) == 8:
                break
    assert heard[0].type == "response.created"
    rest = sdk.responses.retrieve(heard[0].response.id, stream=True, starting_after=heard[-1].sequence_number)
    with rest:
        heard += list(rest)
    assert [event.sequence_number for event in heard] == list(range(len(heard)))
    last = heard[-1]
    assert last.type == "response.completed"
    assert sdk.responses.retrieve(last.response.id).output_text == last.response.output_text


def test_a_stream_is_followed_to_its_response(sdk: openai.OpenAI) -> None:
    with sdk.responses.stream(model="gpt-4o", input="Hello!", background=True) as events:
        response = events.get_final_response()
    assert (response.status, response.background) == ("completed", True)
    with sdk.responses.stream(response_id=response.id, starting_after=2) as events:
        assert next(event.sequence_number for event in events) == 3


def test_it_is_cancelled_while_it_runs_and_what_it_said_is_paid(sdk: openai.OpenAI, stack: Stack) -> None:
    asked = sdk.responses.create(
        model="gpt-4o", input="Hello! [[sim: chunks=20 chunk_ms=1000]]", background=True, stream=True
    )
    with asked:
        first = next(iter(asked))
        assert first.type == "response.created"
        next(event for event in asked if event.type == "response.output_text.delta")
    canceled = sdk.responses.cancel(first.response.id)
    assert canceled.status == "cancelled"
    assert entries(stack, canceled) == ["charge"]
    assert sdk.responses.cancel(first.response.id).status == "cancelled"


def test_a_response_that_did_not_run_in_the_background_is_not_cancelled(sdk: openai.OpenAI) -> None:
    response = sdk.responses.create(model="gpt-4o", input="Hello!")
    with pytest.raises(openai.BadRequestError):
        sdk.responses.cancel(response.id)


def test_a_provider_that_fails_is_a_failed_response_that_costs_nothing(sdk: openai.OpenAI, stack: Stack) -> None:
    asked = sdk.responses.create(model="gpt-4o", input="[[sim: status=400 code=invalid_prompt]]", background=True)
    response = polled(sdk, asked, "failed")
    assert response.error is not None
    assert response.error.code == "invalid_prompt"
    assert entries(stack, response) == ["release"]
    with sdk.responses.retrieve(response.id, stream=True) as events:
        assert [event.type for event in events] == ["response.created", "response.failed"]


def test_it_is_deleted(sdk: openai.OpenAI) -> None:
    response = polled(sdk, sdk.responses.create(model="gpt-4o", input="Hello!", background=True), "completed")
    sdk.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(response.id)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(response.id, stream=True)


def test_it_is_refused_at_once_where_it_may_not_be_stored(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.responses.create(model="gpt-4o", input="Hello!", background=True, store=False)
    assert refused.value.param == "store"
