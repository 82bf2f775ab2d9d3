"""Tests that events of one wire pass as they are, and that what they tell of is charged by modality, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import InsufficientBalance, RateLimited
from gateway.realtime.step import Close
from tests.realtime.sessions import MODELS, frames, recordings, sent, session
from tests.stores.conftest import StoppedClock

USAGE = {
    "total_tokens": 200,
    "input_tokens": 139,
    "output_tokens": 61,
    "input_token_details": {
        "text_tokens": 43,
        "audio_tokens": 96,
        "image_tokens": 0,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 64, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 18, "audio_tokens": 43},
}
# In nano-USD: 43 text at $4 a million, 32 audio at $32, 64 cached audio at $0.40, 18 text at $16 and 43 audio at $64
# out, and 5 % on all of it.
COST = (43 * 4_000 + 32 * 32_000 + 64 * 400 + 18 * 16_000 + 43 * 64_000) * 105 // 100
# A message with a picture that the provider keeps.
THEIRS = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "Look."}, {"type": "input_image", "file_id": "file-abc"}],
}
# As recorded, of each provider's own names of models.
SESSIONS = recordings("test_*openai*") + recordings("test_*azure*") + recordings("test_*xai*")


def event(name: str, **members: Any) -> bytes:
    return orjson.dumps({"type": name, "event_id": "e", **members})


def done(response_id: str = "resp_1", usage: Any = USAGE) -> bytes:
    return event("response.done", response={"id": response_id, "status": "completed", "output": [], "usage": usage})


def model_of(path: Path) -> tuple[str, str]:
    """The catalog's model for a recorded session, and its provider."""
    told = next((orjson.loads(data) for _, data in frames(path) if b'"session.created"' in data), None)
    name = "gpt-realtime" if told is None else told["session"]["model"]
    provider = next(name for name in ("azure", "xai", "openai") if name in path.name)
    return (name if name in MODELS else "gpt-realtime", provider)


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_a_recorded_session_passes_as_it_is_and_pays_for_each_response(path: Path) -> None:
    model, provider = model_of(path)
    talk = session(model, provider)
    talk.opened()
    paid = 0
    for direction, data in frames(path):
        step = talk.from_client(data) if direction == "sent" else talk.from_provider(data)
        assert (step.to_provider, step.to_client) == (([data], []) if direction == "sent" else ([], [data]))
        assert step.close is None
        told = orjson.loads(data)
        # xAI tells it beside the response.
        usage = told["response"]["usage"] or told.get("usage") if told["type"] == "response.done" else None
        if usage:
            (spent,) = step.spent
            assert (spent.usage.prompt, spent.usage.output) == (usage["input_tokens"], usage["output_tokens"])
            assert spent.usage.audio_output == usage["output_token_details"]["audio_tokens"]
            assert spent.id == told["response"]["id"]
            # The clock stands still, and xAI is paid by the minute.
            assert spent.cost_nanousd > 0 or provider == "xai"
            assert not spent.estimated
        paid += len(step.spent)
    assert paid > 0 or provider == "xai"


def test_each_modality_has_its_price_and_cached_sound_one_of_its_own() -> None:
    talk = session()
    (spent,) = talk.from_provider(done()).spent
    assert (spent.cost_nanousd, spent.model, spent.id) == (COST, "gpt-realtime", "resp_1")
    usage = spent.usage
    assert (usage.input, usage.audio_input, usage.cache_read, usage.output, usage.audio_output) == (75, 32, 64, 61, 43)


def test_cached_sound_costs_otherwise_than_cached_text() -> None:
    cached = {"cached_tokens": 90, "cached_tokens_details": {"text_tokens": 40, "audio_tokens": 50}}
    details = {"text_tokens": 40, "audio_tokens": 50, **cached}
    usage = {"input_tokens": 90, "output_tokens": 0, "input_token_details": details}
    (spent,) = session("gpt-realtime-mini").from_provider(done(usage=usage)).spent
    # $0.06 and $0.30 a million.
    assert spent.cost_nanousd == (40 * 60 + 50 * 300) * 105 // 100


def test_a_response_that_is_told_of_twice_is_charged_once() -> None:
    talk = session()
    assert len(talk.from_provider(done()).spent) == 1
    assert talk.from_provider(done()).spent == []


def test_a_transcript_is_charged_by_the_model_that_wrote_it() -> None:
    talk = session()
    update = event("session.update", session={"audio": {"input": {"transcription": {"model": "whisper-1"}}}})
    assert talk.from_client(update).to_provider == [update]
    talk.from_provider(
        event("session.updated", session={"audio": {"input": {"transcription": {"model": "whisper-1"}}}})
    )
    completed = event(
        "conversation.item.input_audio_transcription.completed",
        item_id="i",
        content_index=0,
        transcript="Hi",
        usage={"type": "duration", "seconds": 3},
    )
    (spent,) = talk.from_provider(completed).spent
    # Three seconds at $0.006 a minute, and 5 %.
    assert (spent.model, spent.cost_nanousd, spent.usage.uses) == ("whisper-1", 315_000, (("audio_second", 3),))
    assert talk.from_provider(completed).spent == []
    # xAI completes a transcript several times, and says which is the last.
    told = orjson.loads(completed) | {"item_id": "j"}
    assert talk.from_provider(orjson.dumps(told | {"status": "in_progress"})).spent == []
    assert len(talk.from_provider(orjson.dumps(told | {"status": "completed"})).spent) == 1


def test_a_transcript_of_which_no_usage_is_told_is_charged_by_the_length_of_its_sound() -> None:
    talk = session()
    talk.from_provider(event("session.updated", session={"input_audio_transcription": {"model": "whisper-1"}}))
    name = "conversation.item.input_audio_transcription.completed"
    for _ in range(10):
        talk.from_client(event("input_audio_buffer.append", audio="A" * 64_000))
    talk.from_provider(event("input_audio_buffer.speech_started", item_id="i", audio_start_ms=1000))
    talk.from_provider(event("input_audio_buffer.speech_stopped", item_id="i", audio_end_ms=4000))
    talk.from_provider(event("input_audio_buffer.committed", item_id="i"))
    (spent,) = talk.from_provider(event(name, item_id="i", content_index=0, transcript="Hi")).spent
    assert (spent.cost_nanousd, spent.estimated) == (315_000, True)
    for _ in range(6):
        talk.from_client(event("input_audio_buffer.append", audio="A" * 64_000))
    talk.from_provider(event("input_audio_buffer.committed", item_id="j"))
    (spent,) = talk.from_provider(event(name, item_id="j", content_index=0, transcript="Hi")).spent
    assert spent.cost_nanousd == 630_000


def test_a_model_that_is_paid_by_the_minute_pays_for_its_time_and_for_texts() -> None:
    clock = StoppedClock()
    talk = session("grok-voice-latest", clock=clock)
    talk.opened()
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    talk.from_client(event("conversation.item.create", item=item))
    clock.at_s += 30
    (spent,) = talk.from_provider(done(usage={})).spent
    # Half a minute at $0.08 and one text at $0.004, and 5 %.
    assert spent.cost_nanousd == (40_000_000 + 4_000_000) * 105 // 100
    clock.at_s += 15
    assert talk.tick().spent == []
    clock.at_s += 15
    (spent,) = talk.tick().spent
    assert spent.cost_nanousd == 40_000_000 * 105 // 100
    assert talk.left().spent == []


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"model": "gpt-realtime-mini"}, "session.model"),
        (
            {"audio": {"input": {"transcription": {"model": "gemini-2.5-flash"}}}},
            "session.audio.input.transcription.model",
        ),
        ({"input_audio_transcription": {}}, "session.input_audio_transcription.model"),
        ({"tools": [{"type": "mcp", "server_url": "https://a.test"}]}, "session.tools[0].type"),
        ({"prompt": {"id": "pmpt_1"}}, "session.prompt"),
        ("all", "session"),
    ],
)
def test_an_update_that_changes_what_is_paid_for_is_refused(asked: Any, param: str) -> None:
    step = session().from_client(orjson.dumps({"type": "session.update", "event_id": "mine", "session": asked}))
    (told,) = sent(step)
    assert step.to_provider == []
    assert step.close is None
    assert (told["type"], told["error"]["param"], told["error"]["event_id"]) == ("error", param, "mine")


@pytest.mark.parametrize("tracing", ["auto", {"workflow_name": "Mine"}])
def test_the_tracing_that_agents_ask_for_is_left_out(tracing: Any) -> None:
    asked = {"type": "session.update", "session": {"type": "realtime", "tracing": tracing}}
    step = session().from_client(orjson.dumps(asked))
    assert step.to_client == []
    assert [orjson.loads(data)["session"] for data in step.to_provider] == [{"type": "realtime", "tracing": None}]
    # It is no setting of Gemini's, and none that the session shows.
    bridged = session("gemini-2.5-flash-native-audio-preview-09-2025")
    bridged.from_client(orjson.dumps(asked))
    (updated,) = sent(bridged.from_provider(b'{"setupComplete": {}}'))
    assert (updated["type"], updated["session"]["tracing"]) == ("session.updated", None)


def test_names_of_models_are_the_clients_on_one_side_and_the_providers_on_the_other() -> None:
    talk = session(requested="openai/gpt-realtime")
    step = talk.from_client(b'{ "type":"session.update", "session": {"model": "openai/gpt-realtime", "speed": 1.50} }')
    assert step.to_provider == [b'{ "type":"session.update", "session": {"model": "gpt-realtime", "speed": 1.50} }']
    step = talk.from_provider(b'{"type": "session.updated", "session": {"model": "gpt-realtime","speed":1.50}}')
    assert step.to_client == [b'{"type": "session.updated", "session": {"model": "openai/gpt-realtime","speed":1.50}}']


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "invalid_json"),
        (b"[]", "invalid_json"),
        (b"\xff", "invalid_json"),
        (b'{"type":"model.change"}', "invalid_value"),
        (b'{"type":"response.create","response":' + b"[" * 5000 + b"]" * 5000 + b"}", "invalid_json"),
        (b'{"type":"input_audio_buffer.append","audio":"' + b"A" * 2**20 + b'"}', "too_large"),
    ],
)
def test_what_is_no_event_is_answered_with_the_wires_error(data: bytes, code: str) -> None:
    step = session().from_client(data)
    (told,) = sent(step)
    assert (told["type"], told["error"]["type"], told["error"]["code"]) == ("error", "invalid_request_error", code)
    assert step.to_provider == []


def test_an_error_of_the_callers_passes_without_secrets_and_others_are_in_our_words() -> None:
    talk = session()
    callers = {"type": "invalid_request_error", "code": "x", "message": "Bad voice for org-abcdef123456", "param": None}
    (told,) = sent(talk.from_provider(event("error", error=callers)))
    assert told["error"]["message"] == "Bad voice for [hidden]"
    (told,) = sent(talk.from_provider(event("error", error={"type": "insufficient_quota", "message": "Pay up"})))
    assert (told["error"]["type"], "Pay" in told["error"]["message"]) == ("upstream_error", False)


def test_words_that_no_report_has_told_of_are_counted_by_their_bytes() -> None:
    talk = session()
    talk.from_provider(event("response.created", response={"id": "resp_1"}))
    # Eight characters of three bytes each, which are a token.
    talk.from_provider(event("response.output_text.delta", delta="日本語日本語日本"))
    (spent,) = talk.left().spent
    assert (spent.usage.output, spent.estimated) == (8, True)


def test_without_money_the_client_is_told_and_the_session_ends_with_what_was_said_so_far() -> None:
    talk = session()
    talk.from_client(event("response.create"))
    assert talk.from_provider(event("response.created", response={"id": "resp_9"})).responses == 1
    talk.from_provider(event("response.output_audio.delta", delta="A" * 64_000))
    step = talk.refused(InsufficientBalance("The account has no balance left."))
    assert sent(step)[0]["error"]["code"] == "insufficient_balance"
    assert step.close == Close(1008, "insufficient_balance")
    (spent,) = step.spent
    # A second of sound is twenty tokens of the model.
    assert (spent.id, spent.usage.audio_output, spent.estimated) == ("resp_9", 20, True)


def test_a_limit_of_the_callers_cancels_the_response_and_the_session_goes_on() -> None:
    talk = session()
    talk.from_provider(event("response.created", response={"id": "resp_9"}))
    step = talk.refused(RateLimited("Limit reached."))
    (cancel,) = (orjson.loads(data) for data in step.to_provider)
    assert (step.close, cancel["type"], cancel["response_id"]) == (None, "response.cancel", "resp_9")
    assert sent(step)[0]["error"]["type"] == "rate_limit_error"
    # The client has not asked for that: where the response has ended meanwhile, it hears no error of it.
    error = {"type": "invalid_request_error", "code": "response_cancel_not_active", "message": "No.", "param": None}
    assert sent(talk.from_provider(event("error", error=error | {"event_id": cancel["event_id"]}))) == []
    assert sent(talk.from_provider(event("error", error=error | {"event_id": "mine"}))) != []


def test_a_limit_that_refuses_what_a_client_asks_for_cancels_nothing_and_names_its_event() -> None:
    talk = session()
    talk.from_provider(event("response.created", response={"id": "resp_9"}))
    assert talk.from_client(event("response.create", event_id="mine")).responses == 1
    step = talk.refused(RateLimited("Limit reached."))
    assert step.to_provider == []
    assert sent(step)[0]["error"]["event_id"] == "mine"
    # What the provider begins by itself is cancelled as before.
    talk.from_provider(event("response.created", response={"id": "resp_10"}))
    assert talk.refused(RateLimited("Limit reached.")).to_provider != []


@pytest.mark.parametrize("model", ["gpt-realtime", "gemini-2.5-flash-native-audio-preview-09-2025"])
@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"type": "response.create", "response": {"model": "gpt-realtime-2"}}, "response.model"),
        ({"type": "response.create", "model": "gpt-realtime-2"}, "model"),
        ({"type": "session.update", "model": "gpt-realtime-2", "session": {"type": "realtime"}}, "model"),
    ],
)
def test_no_event_names_another_model_at_any_place(model: str, asked: dict[str, Any], param: str) -> None:
    step = session(model).from_client(orjson.dumps(asked))
    (told,) = sent(step)
    assert step.to_provider == []
    assert (told["error"]["code"], told["error"]["param"]) == ("model_not_allowed", param)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"type": "conversation.item.create", "item": THEIRS}, "item.content[1].file_id"),
        ({"type": "response.create", "response": {"input": [THEIRS]}}, "response.input[0].content[1].file_id"),
    ],
)
def test_no_event_names_a_file_of_the_account_at_the_provider(asked: dict[str, Any], param: str) -> None:
    step = session().from_client(orjson.dumps(asked))
    (told,) = sent(step)
    assert step.to_provider == []
    assert told["error"]["param"] == param


def test_a_hold_is_asked_for_anew_as_a_response_grows_and_after_each_charge() -> None:
    talk = session()
    first = talk.opened().ask_nanousd
    assert first is not None
    assert first >= talk.exposure_nanousd
    talk.from_provider(event("response.created", response={"id": "r"}))
    asked = [
        talk.from_provider(event("response.output_audio.delta", delta="A" * 64_000)).ask_nanousd for _ in range(60)
    ]
    further = [ask for ask in asked if ask is not None]
    assert 0 < len(further) < 10
    assert further == sorted(further)
    assert talk.from_provider(done("r")).ask_nanousd is not None


def test_garbage_of_the_provider_ends_the_session() -> None:
    step = session().from_provider(b"<html>")
    assert sent(step)[0]["error"]["type"] == "upstream_error"
    assert step.close is not None
    assert step.close.code == 1011


@pytest.mark.parametrize("name", ["input_audio_buffer.append", "input_audio_buffer.clear", "input_audio_buffer.commit"])
@pytest.mark.parametrize("member", ["type", "t\\u0079pe"])
def test_an_event_in_which_its_provider_might_read_another_one_is_refused(name: str, member: str) -> None:
    hidden = orjson.dumps({"tools": [{"type": "mcp"}]}).decode()
    data = f'{{"{member}":"session.update","session":{hidden},"type":"{name}","audio":"AAAA"}}'
    step = session().from_client(data.encode())
    assert step.to_provider == []
    assert sent(step)[0]["error"]["code"] == "invalid_json"


@pytest.mark.parametrize("model", ["gpt-realtime", "grok-voice-latest"])
@pytest.mark.parametrize(
    "unknown",
    [
        event("ping", timestamp=1_785_457_249_653, previous_item_id=None),
        event("conversation.item.input_audio_transcription.updated", item_id="i", transcript="Hello?"),
        event("rate_limits.updated", rate_limits=[{"name": "tokens"}]),
        event("response.thinking.delta", delta={"text": "Hm"}, usage={"input_tokens": 9_999}),
        event("usage.updated", response={"id": "resp_1", "usage": USAGE}),
    ],
    ids=lambda data: orjson.loads(data)["type"],
)
def test_an_event_that_the_gateway_does_not_know_passes_and_costs_nothing(model: str, unknown: bytes) -> None:
    talk = session(model)
    talk.opened()
    talk.from_provider(event("response.created", response={"id": "resp_1"}))
    before = talk.exposure_nanousd, talk.so_far(), talk.quiet
    step = talk.from_provider(unknown)
    assert (step.to_client, step.to_provider, step.spent, step.close) == ([unknown], [], [], None)
    assert (talk.exposure_nanousd, talk.so_far(), talk.quiet) == before
    (spent,) = talk.from_provider(done()).spent
    assert (spent.usage.output, spent.estimated) == (61, False)


def test_what_xai_tells_beside_a_response_is_what_it_has_used() -> None:
    talk = session("grok-voice-latest")
    told = event("response.done", response={"id": "resp_1", "output": [], "usage": {}}, usage=USAGE)
    (spent,) = talk.from_provider(told).spent
    assert (spent.usage.prompt, spent.usage.output, spent.estimated) == (139, 61, False)
