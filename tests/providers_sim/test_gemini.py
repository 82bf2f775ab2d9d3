"""Tests of the simulated Gemini wire, Developer API and Vertex AI, as Google's own SDK reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from pydantic import BaseModel

from local.providers import tokens
from tests.hangs import HANGS_AFTER_S

OLD = "gemini-2.0-flash"
THINKER = "gemini-2.5-flash"
SIGNER = "gemini-3-flash-preview"
PNG = b"\x89PNG\r\n\x1a\nnot really"
CITY: Any = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
HOURS: Any = {"type": "OBJECT", "properties": {"hours": {"type": "INTEGER"}}, "required": ["hours"]}
TOOLS: Any = [
    {
        "function_declarations": [
            {"name": "get_weather", "parameters": CITY},
            {"name": "get_time", "parameters": HOURS},
        ]
    }
]
QUESTION = "The weather in Paris and the time there in 3 hours?"


@pytest.fixture(scope="module")
def client(rows: Any) -> Iterator[genai.Client]:
    row = rows["gemini"]
    with genai.Client(api_key=row["api_key"], http_options={"base_url": row["base_url"]}) as client:
        yield client


@pytest.fixture(scope="module")
def vertex(rows: Any) -> Iterator[genai.Client]:
    row = rows["vertex"]
    credentials: Any = Credentials
    with genai.Client(
        vertexai=True,
        project="p",
        location="global",
        credentials=credentials(token=row["api_key"]),
        http_options={"base_url": row["base_url"]},
    ) as client:
        yield client


def generate(client: genai.Client, contents: Any, model: str = OLD, **config: Any) -> Any:
    wanted: Any = config
    return client.models.generate_content(model=model, contents=contents, config=wanted)


@pytest.mark.parametrize(("search", "finds"), [({}, True), (None, False)])
def test_a_search_is_offered_by_an_object_and_not_by_null(rows: Any, search: Any, finds: bool) -> None:
    row = rows["gemini"]
    body = {"contents": [{"parts": [{"text": QUESTION}]}], "tools": [{"googleSearch": search}]}
    answer = httpx.post(
        f"{row['base_url']}/v1beta/models/{THINKER}:generateContent",
        json=body,
        headers={"x-goog-api-key": row["api_key"]},
        timeout=HANGS_AFTER_S,
    )
    assert ("groundingMetadata" in answer.json()["candidates"][0]) == finds


def said(answer: Any) -> types.Content:
    content = answer.candidates[0].content
    assert isinstance(content, types.Content)
    return content


def results(answer: Any, text: str) -> types.Content:
    parts = [
        types.Part(function_response=types.FunctionResponse(id=c.id, name=c.name, response={"result": text}))
        for c in answer.function_calls
    ]
    return types.Content(role="user", parts=parts)


def question(text: str = QUESTION) -> types.Content:
    return types.Content(role="user", parts=[types.Part(text=text)])


@pytest.mark.parametrize("door", ["client", "vertex"])
def test_an_answer_is_text_with_its_usage(door: str, request: pytest.FixtureRequest) -> None:
    answer = generate(request.getfixturevalue(door), "Who wrote Emma?")
    usage = answer.usage_metadata
    assert "Who wrote Emma?" in answer.text
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert usage.candidates_token_count == tokens.count(answer.text)
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count


@pytest.mark.parametrize("door", ["client", "vertex"])
def test_a_stream_says_what_the_whole_answer_says(door: str, request: pytest.FixtureRequest) -> None:
    client = request.getfixturevalue(door)
    whole = generate(client, "Who wrote Emma?", SIGNER)
    parts = list(client.models.generate_content_stream(model=SIGNER, contents="Who wrote Emma?"))
    assert "".join(part.text or "" for part in parts) == whole.text
    assert parts[-1].usage_metadata == whole.usage_metadata
    assert len(parts) > 4


def test_a_stream_without_sse_is_one_json_array(control: Any, rows: Any) -> None:
    body = {"contents": [{"parts": [{"text": "Hello"}]}]}
    headers = {"x-goog-api-key": rows["gemini"]["api_key"]}
    path = f"/gemini/v1beta/models/{OLD}:streamGenerateContent"
    _, sent, raw = control.send("POST", path, body, headers)
    chunks = orjson.loads(raw)
    assert sent["content-type"] == "application/json; charset=UTF-8"
    assert len(chunks) > 3
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_parallel_functions_are_called_and_their_results_cited(client: genai.Client) -> None:
    first = generate(client, QUESTION, SIGNER, tools=TOOLS)
    assert [(c.name, c.args) for c in first.function_calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_time", {"hours": 3}),
    ]
    second = generate(client, [question(), said(first), results(first, "18 degrees")], SIGNER, tools=TOOLS)
    assert "18 degrees" in second.text


def test_a_streamed_call_carries_its_signature_through_the_loop(client: genai.Client) -> None:
    stream = client.models.generate_content_stream(model=SIGNER, contents=QUESTION, config={"tools": TOOLS})
    turn = types.Content(role="model", parts=[])
    calls: list[Any] = []
    for chunk in stream:
        assert turn.parts is not None
        turn.parts += (said(chunk).parts or []) if chunk.function_calls else []
        calls += chunk.function_calls or []
    answered = [
        types.Part(function_response=types.FunctionResponse(name=c.name, response={"result": "rain"})) for c in calls
    ]
    final = generate(client, [question(), turn, types.Content(role="user", parts=answered)], SIGNER, tools=TOOLS)
    assert "rain" in final.text


def loop(client: genai.Client, change: Any, model: str = SIGNER) -> Any:
    first = generate(client, QUESTION, model, tools=TOOLS)
    turn = said(first).model_copy(deep=True)
    assert turn.parts is not None
    change(turn.parts[0])
    return generate(client, [question(), turn, results(first, "18 degrees")], model, tools=TOOLS)


def forget(part: types.Part) -> None:
    part.thought_signature = None


def corrupt(part: types.Part) -> None:
    part.thought_signature = b"x" + (part.thought_signature or b"")[1:]


def stand_in(part: types.Part) -> None:
    part.thought_signature = b"skip_thought_signature_validator"


def test_a_missing_signature_is_refused_by_gemini_3_alone(client: genai.Client) -> None:
    with pytest.raises(errors.ClientError, match="missing a thought_signature"):
        loop(client, forget)
    assert "18 degrees" in loop(client, forget, THINKER).text


@pytest.mark.parametrize("model", [THINKER, SIGNER])
def test_a_corrupted_signature_is_refused(client: genai.Client, model: str) -> None:
    with pytest.raises(errors.ClientError, match="Corrupted thought signature"):
        loop(client, corrupt, model)


def test_the_documented_stand_in_is_taken_for_a_signature(client: genai.Client) -> None:
    assert "18 degrees" in loop(client, stand_in).text


def test_thoughts_are_counted_and_shown_when_asked_for(client: genai.Client) -> None:
    shown = generate(client, "Hello", THINKER, thinking_config={"include_thoughts": True})
    hidden = generate(client, "Hello", THINKER, thinking_config={"thinking_budget": 32})
    thought = next(part.text for part in said(shown).parts or [] if part.thought)
    assert tokens.count(thought or "") == shown.usage_metadata.thoughts_token_count == 128
    assert hidden.usage_metadata.thoughts_token_count == 32
    assert [part.thought for part in said(hidden).parts or []] == [None]


class Person(BaseModel):
    name: str
    age: int


def test_structured_output_fits_its_schema(client: genai.Client) -> None:
    answer = generate(
        client,
        "I met Ada, 36 years old.",
        response_mime_type="application/json",
        response_schema=Person,
    )
    assert answer.parsed == Person(name="Ada", age=36)


def test_images_are_seen_and_counted_by_modality(client: genai.Client) -> None:
    image = types.Part.from_bytes(data=PNG, mime_type="image/png")
    answer = generate(client, [image, "What is this?"])
    details = {d.modality: d.token_count for d in answer.usage_metadata.prompt_tokens_details}
    assert "1 image" in answer.text
    assert details[types.MediaModality.IMAGE] == 258


def test_limits_stops_and_candidates(client: genai.Client) -> None:
    limited = generate(client, "Hello", max_output_tokens=5)
    stopped = generate(client, "Hello", stop_sequences=[", and"])
    several = generate(client, "Hello", candidate_count=2)
    assert limited.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert limited.usage_metadata.candidates_token_count == 5
    assert stopped.text == 'You asked "Hello"'
    assert [candidate.index for candidate in several.candidates] == [0, 1]


def test_a_prefix_seen_before_is_cached(client: genai.Client) -> None:
    book = " ".join(f"chapter{i}" for i in range(700))
    counts = [
        generate(client, [book, text]).usage_metadata.cached_content_token_count
        for text in ("Sum it up.", "Who speaks?")
    ]
    assert counts[0] is None
    assert counts[1] >= 1024


def test_counted_tokens_are_those_that_are_billed(client: genai.Client) -> None:
    counted = client.models.count_tokens(model=OLD, contents="Who wrote Emma?")
    assert counted.total_tokens == generate(client, "Who wrote Emma?").usage_metadata.prompt_token_count


def test_models_are_listed(client: genai.Client) -> None:
    assert f"models/{THINKER}" in {model.name for model in client.models.list()}


def turns(*parts: Any) -> list[Any]:
    return [types.Content(role=role, parts=[part] * count) for role, part, count in parts]


CALL = types.Part(function_call=types.FunctionCall(name="get_weather", args={}))
RESULT = types.Part(function_response=types.FunctionResponse(name="get_weather", response={}))
TEXT = types.Part(text="Hi")


@pytest.mark.parametrize(
    ("conversation", "message"),
    [
        (turns(("user", TEXT, 1), ("model", CALL, 2), ("user", RESULT, 1)), "number of function response parts"),
        (turns(("user", TEXT, 1), ("model", CALL, 1), ("user", TEXT, 1)), "number of function response parts"),
        (turns(("user", TEXT, 1), ("user", RESULT, 1)), "function response turn comes immediately after"),
        (turns(("model", CALL, 1)), "function call turn comes immediately after a user turn"),
    ],
)
def test_turns_that_do_not_match_are_refused(client: genai.Client, conversation: Any, message: str) -> None:
    with pytest.raises(errors.ClientError, match=message):
        generate(client, conversation, tools=TOOLS)


def post(control: Any, rows: Any, row: str, path: str, body: Any) -> tuple[int, str]:
    headers = {"authorization": f"Bearer {rows[row]['api_key']}", "x-goog-api-key": rows[row]["api_key"]}
    status, _, raw = control.send("POST", path, body, headers)
    error = orjson.loads(raw).get("error", {})
    return status, error.get("message", "")


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ({"type": "object", "additionalProperties": False}, "additionalProperties"),
        ({"$schema": "x", "type": "object"}, "$schema"),
        ({"type": "object", "properties": {"a": {"const": 1}}}, "const"),
    ],
)
def test_a_schema_has_only_the_fields_of_the_developer_api(control: Any, rows: Any, schema: Any, name: str) -> None:
    tool = {"functionDeclarations": [{"name": "f", "parameters": schema}]}
    body = {"contents": [{"parts": [{"text": "Hi"}]}], "tools": [tool]}
    status, message = post(control, rows, "gemini", f"/gemini/v1beta/models/{OLD}:generateContent", body)
    assert status == 400
    assert message.startswith(
        f'Invalid JSON payload received. Unknown name "{name}" at \'tools[0].function_declarations[0].parameters'
    )


def test_vertex_knows_additional_properties_and_any_json_schema_is_taken_as_such(control: Any, rows: Any) -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    for row, path, member in (
        ("vertex", f"/vertex/v1/projects/p/locations/l/publishers/google/models/{OLD}", "parameters"),
        ("gemini", f"/gemini/v1beta/models/{OLD}", "parameters_json_schema"),
    ):
        tool = {"function_declarations": [{"name": "f", member: schema}]}
        body = {"contents": [{"parts": [{"text": "Hi"}]}], "tools": [tool]}
        assert post(control, rows, row, f"{path}:generateContent", body) == (200, "")


def test_an_unknown_field_is_refused(control: Any, rows: Any) -> None:
    body = {"contents": [{"parts": [{"text": "Hi"}]}], "nexevo": {}}
    assert post(control, rows, "gemini", f"/gemini/v1beta/models/{OLD}:generateContent", body) == (
        400,
        'Invalid JSON payload received. Unknown name "nexevo": Cannot find field.',
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"generationConfig": {"maxTokens": 5}}, "Unknown name \"maxTokens\" at 'generation_config'"),
        ({"contents": [{"parts": [{"text": "Hi", "functionCall": {"name": "f"}}]}]}, "oneof field 'data'"),
    ],
)
def test_a_member_that_is_no_field_and_a_part_of_two_kinds_are_refused(
    rows: Any, body: dict[str, Any], message: str
) -> None:
    row = rows["gemini"]
    answer = httpx.post(
        f"{row['base_url']}/v1beta/models/{SIGNER}:generateContent",
        json={"contents": [{"parts": [{"text": QUESTION}]}]} | body,
        headers={"x-goog-api-key": row["api_key"]},
        timeout=HANGS_AFTER_S,
        trust_env=False,
    )
    assert (answer.status_code, message in answer.json()["error"]["message"]) == (400, True), answer.text


@pytest.mark.parametrize(
    ("directive", "error", "status"),
    [
        ("status=429", errors.ClientError, "RESOURCE_EXHAUSTED"),
        ("status=503", errors.ServerError, "UNAVAILABLE"),
    ],
)
def test_a_status_is_the_sdks_own_error(
    client: genai.Client, directive: str, error: type[errors.APIError], status: str
) -> None:
    with pytest.raises(error) as caught:
        generate(client, f"[[sim: {directive}]]")
    assert caught.value.status == status


def test_a_wrong_key_and_an_unknown_model_are_refused(client: genai.Client, control: Any) -> None:
    with pytest.raises(errors.ClientError, match="models/gpt-4o is not found"):
        generate(client, "Hi", "gpt-4o")
    path = f"/gemini/v1beta/models/{OLD}:generateContent"
    assert control.send("POST", path, {}, {"x-goog-api-key": "wrong"})[0] == 400
    assert control.send("POST", path, {})[0] == 403
    assert control.send("POST", f"/vertex/v1/publishers/google/models/{OLD}:generateContent", {})[0] == 401


def test_an_error_in_the_stream_is_the_sdks_error(client: genai.Client) -> None:
    stream = client.models.generate_content_stream(model=OLD, contents="[[sim: error_after=1]]")
    with pytest.raises(errors.ServerError, match="overloaded"):
        list(stream)
