"""API Gateway's behaviour, seen by an HTTP client through real function processes."""

import base64
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from local.limits import Limits
from tests.local.harness import Served, serving

SMALL = Limits(
    request_bytes=200_000,
    event_bytes=100_000,
    response_bytes=50_000,
    integration_timeout_s=1.0,
    concurrency=4,
    queue_s=0.2,
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("gateway"), SMALL) as running:
        yield running


def test_the_event_has_api_gateways_shape(served: Served) -> None:
    headers = {"X-Mixed-Case": "one", "Content-Type": "application/json"}
    answer = served.ask("/v1/things/a/b?x=1&x=2&y=", method="POST", body=b'{"a": 1}', headers=headers)
    event = answer.json()["event"]
    context = event.pop("requestContext")
    assert {name: event[name] for name in event if not name.endswith(("eaders",))} == {
        "resource": "/v1/things/{proxy+}",
        "path": "/v1/things/a/b",
        "httpMethod": "POST",
        "queryStringParameters": {"x": "2", "y": ""},
        "multiValueQueryStringParameters": {"x": ["1", "2"], "y": [""]},
        "pathParameters": {"proxy": "a/b"},
        "stageVariables": None,
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }
    assert event["headers"]["X-Mixed-Case"] == "one"
    assert event["multiValueHeaders"]["X-Mixed-Case"] == ["one"]
    assert event["headers"]["X-Amzn-Trace-Id"] == answer.headers["x-amzn-trace-id"]
    assert context["requestId"] == answer.headers["x-amzn-requestid"]
    assert (context["stage"], context["path"]) == ("test", "/v1/things/a/b")
    assert (context["resourcePath"], context["identity"]["sourceIp"]) == ("/v1/things/{proxy+}", "127.0.0.1")


def test_a_stage_path_is_the_same_route(served: Served) -> None:
    event = served.ask("/test/v1/things/a/b").json()["event"]
    assert (event["path"], event["requestContext"]["path"]) == ("/v1/things/a/b", "/test/v1/things/a/b")


def test_a_repeated_header_keeps_every_value_and_the_last_one_alone(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        client.sendall(b"GET /v1/things/a/b HTTP/1.1\r\nHost: h:1\r\nX-Two: 1\r\nX-Two: 2\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    event = json.loads(answer.partition(b"\r\n\r\n")[2])["event"]
    assert (event["headers"]["X-Two"], event["multiValueHeaders"]["X-Two"]) == ("2", ["1", "2"])


def test_an_encoded_slash_stays_encoded_in_the_path_and_is_decoded_in_the_parameter(served: Served) -> None:
    event = served.ask("/v1/things/aws%2Fclaude").json()["event"]
    assert (event["resource"], event["path"], event["pathParameters"]) == (
        "/v1/things/{id}",
        "/v1/things/aws%2Fclaude",
        {"id": "aws/claude"},
    )


def test_a_binary_body_arrives_as_base64(served: Served) -> None:
    event = served.ask("/v1/things/a/b", method="POST", body=b"\xff\x00", headers={"Content-Type": "image/png"}).json()[
        "event"
    ]
    assert (event["isBase64Encoded"], base64.b64decode(event["body"])) == (True, b"\xff\x00")


def test_a_binary_answer_is_decoded(served: Served) -> None:
    answer = served.ask("/v1/things/a/b?do=binary")
    assert (answer.body, answer.headers["content-length"]) == (bytes(range(256)), "256")


def test_a_functions_content_length_is_remapped(served: Served) -> None:
    answer = served.ask("/v1/things/a/b")
    assert answer.headers["x-amzn-remapped-content-length"] == "3"
    assert answer.headers["content-length"] == str(len(answer.body))


def test_a_missing_route_is_the_templates_gateway_response(served: Served) -> None:
    answer = served.ask("/v1/nothing")
    request_id = answer.headers["x-amzn-requestid"]
    assert (answer.status, answer.json()) == (
        404,
        {"error": {"message": "Missing Authentication Token", "id": request_id}},
    )
    assert (answer.headers["x-trace-id"], answer.headers["x-kind"]) == (request_id, "missing")


def test_a_missing_route_with_a_bearer_token_is_a_broken_signature(served: Served) -> None:
    answer = served.ask("/v1/nothing", headers={"Authorization": "Bearer k"})
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "IncompleteSignatureException")


@pytest.mark.parametrize("do", ["fail", "malformed", "leave", "large&bytes=60000"])
def test_a_function_that_fails_is_a_502(served: Served, do: str) -> None:
    answer = served.ask(f"/v1/things/a/b?do={do}")
    assert (answer.status, answer.json()) == (502, {"message": "Internal server error"})


def test_a_buffered_answer_that_takes_too_long_is_a_504(served: Served) -> None:
    answer = served.ask("/v1/things/a/b?do=wait&s=1.3")
    assert (answer.status, answer.json()) == (504, {"message": "Endpoint request timed out"})


def test_a_request_over_the_limit_is_a_413(served: Served) -> None:
    answer = served.ask("/v1/things/a/b", method="POST", body=b"x" * 200_001)
    assert (answer.status, answer.json()) == (413, {"error": "too large"})


def test_an_event_over_lambdas_limit_is_a_413(served: Served) -> None:
    answer = served.ask("/v1/things/a/b", method="POST", body=b"x" * 100_000)
    assert (answer.status, answer.json()) == (413, {"error": "too large"})


def test_headers_over_the_limit_are_refused(served: Served) -> None:
    assert served.ask("/v1/things/a/b", headers={"X-Long": "x" * 10_240}).status == 431


def test_a_stream_keeps_status_headers_and_body(served: Served) -> None:
    answer = served.ask("/v1/stream")
    assert (answer.status, answer.body) == (201, b"chunk 0\nchunk 1\nchunk 2\n")
    assert answer.headers["content-type"] == "text/plain"


def test_a_chunk_every_100_ms_is_seen_every_100_ms(served: Served) -> None:
    served.ask("/v1/stream")
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.request("GET", "/v1/stream?chunks=8&every_ms=100")
    response = connection.getresponse()
    seen_at_s = []
    while response.read1(65536):
        seen_at_s.append(time.monotonic())
    connection.close()
    gaps_ms = [round((after - before) * 1000) for before, after in pairwise(seen_at_s)]
    assert len(gaps_ms) == 7
    assert all(60 <= gap_ms <= 160 for gap_ms in gaps_ms), gaps_ms


def test_an_answer_does_not_wait_for_the_clients_ack(served: Served) -> None:
    """With Nagle's algorithm on, every answer on a kept connection takes 40 ms."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    took_ms = []
    for _ in range(15):
        began_s = time.monotonic()
        connection.request("GET", "/v1/stream?chunks=1")
        connection.getresponse().read()
        took_ms.append((time.monotonic() - began_s) * 1000)
    connection.close()
    assert sorted(took_ms)[7] < 30


def test_a_failure_before_the_first_byte_is_a_502(served: Served) -> None:
    assert served.ask("/v1/stream?end=before").status == 502


@pytest.mark.parametrize("end", ["raise", "exit"])
def test_a_failure_after_the_first_byte_cuts_the_answer(served: Served, end: str) -> None:
    with pytest.raises(http.client.IncompleteRead):
        served.ask(f"/v1/stream?end={end}")
    assert served.ask("/v1/stream").status == 201


def test_killing_a_function_process_cuts_its_stream_and_the_next_request_gets_another(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.request("GET", "/v1/stream?chunks=1000&every_ms=50")
    response = connection.getresponse()
    killed = int(response.headers["x-pid"])
    assert killed in [row["pid"] for row in served.processes() if row["family"] == "streamed"]
    response.read1(65536)
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(http.client.IncompleteRead):
        response.read()
    connection.close()
    answer = served.ask("/v1/stream")
    assert (answer.status, answer.headers["x-pid"] == str(killed)) == (201, False)


def test_a_client_that_leaves_does_not_stop_the_function(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.request("GET", "/v1/stream?chunks=10&every_ms=50&tag=left")
    connection.getresponse().read1(10)
    connection.close()
    log = served.register.parent / "nexgate-local-Streamed.log"
    assert _within(5, lambda: "ended left" in log.read_text())


def _within(limit_s: float, holds: Callable[[], bool]) -> bool:
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def test_one_request_runs_per_process_and_more_than_the_cap_is_refused(served: Served) -> None:
    held = [http.client.HTTPConnection("127.0.0.1", served.port, timeout=10) for _ in range(4)]
    for connection in held:
        connection.request("GET", "/v1/stream?chunks=30&every_ms=50")
    pids = {connection.getresponse().headers["x-pid"] for connection in held}
    throttled = served.ask("/v1/stream")
    for connection in held:
        connection.close()
    assert (len(pids), throttled.status) == (4, 500)


def test_a_function_sees_its_own_environment_and_no_one_elses(served: Served) -> None:
    os.environ["NOT_FOR_FUNCTIONS"] = "secret"
    environment = served.ask("/v1/things/a/b").json()["environment"]
    assert "NOT_FOR_FUNCTIONS" not in environment
    assert environment["KEYS_TABLE"] == "nexgate-local-KeysTable"
    assert environment["KIND"] == "us-east-1-arn:aws:dynamodb:us-east-1:123456789012:table/nexgate-local-KeysTable"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "nexgate-local-Buffered"


def test_the_function_timeout_kills_its_process(tmp_path: Path) -> None:
    with serving(tmp_path, Limits(integration_timeout_s=10)) as running:
        pid = running.ask("/v1/things/a/b").json()["pid"]
        started_s = time.monotonic()
        assert running.ask("/v1/things/a/b?do=wait&s=30").status == 502
        assert 1.9 <= time.monotonic() - started_s <= 4
        assert running.ask("/v1/things/a/b").json()["pid"] != pid


def test_a_stream_that_is_silent_too_long_is_cut(tmp_path: Path) -> None:
    with (
        serving(tmp_path, Limits(stream_idle_s=0.5)) as running,
        pytest.raises(http.client.IncompleteRead),
    ):
        running.ask("/v1/stream?chunks=2&every_ms=3000")


def test_idle_processes_beyond_a_few_are_retired(tmp_path: Path) -> None:
    with serving(tmp_path, Limits(idle_processes=1, idle_s=0.2)) as running:
        held = [http.client.HTTPConnection("127.0.0.1", running.port, timeout=10) for _ in range(3)]
        for connection in held:
            connection.request("GET", "/v1/stream?chunks=3&every_ms=100")
        started = {connection.getresponse().headers["x-pid"] for connection in held}
        for connection in held:
            connection.close()
        assert len(started) == 3
        assert _within(5, lambda: len(running.processes()) == 1)


def test_any_event_can_be_invoked_asynchronously(served: Served) -> None:
    answer = json.loads(served.invoke("nexgate-local-Buffered", {"source": "aws.events"}))
    assert json.loads(answer["body"])["event"] == {"source": "aws.events"}
