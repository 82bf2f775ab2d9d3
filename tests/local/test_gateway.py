"""Tests of API Gateway's behaviour, with an HTTP client and real function processes."""

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.limits import Limits
from local.template import Stack
from tests.hangs import HANGS_AFTER_S, comes_true
from tests.local.harness import Served, serving, small_stack

SMALL = Limits(
    request_bytes=200_000,
    event_bytes=100_000,
    response_bytes=50_000,
    integration_timeout_s=HANGS_AFTER_S,
    concurrency=4,
    queue_s=0.2,
)
LASTING = Limits(integration_timeout_s=HANGS_AFTER_S)


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


def test_the_clients_address_is_that_of_its_connection_not_its_claim(served: Served) -> None:
    answer = served.ask("/v1/things/a", headers={"X-Forwarded-For": "203.0.113.9"})
    event = answer.json()["event"]
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert event["multiValueHeaders"]["X-Forwarded-For"][-1] == "127.0.0.1"


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


def test_a_slash_at_the_end_leads_to_the_same_resource_and_stays_in_the_path(served: Served) -> None:
    event = served.ask("/v1/things/a/").json()["event"]
    assert (event["resource"], event["path"], event["pathParameters"]) == (
        "/v1/things/{id}",
        "/v1/things/a/",
        {"id": "a"},
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


def test_a_buffered_answer_that_takes_too_long_is_a_504(tmp_path: Path) -> None:
    with serving(tmp_path, replace(SMALL, integration_timeout_s=0.3)) as running:
        answer = running.ask("/v1/things/a/b?do=wait&s=1.3")
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


def test_each_chunk_is_seen_before_the_next_one_is_sent(served: Served, tmp_path: Path) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=HANGS_AFTER_S)
    connection.request("GET", f"/v1/stream?chunks=8&gate={tmp_path}")
    response = connection.getresponse()
    seen = []
    for number in range(1, 9):
        seen.append(response.read1(65536))
        (tmp_path / str(number)).touch()
    connection.close()
    assert seen == [b"chunk %d\n" % number for number in range(8)]


def test_an_answer_does_not_wait_for_the_clients_ack(served: Served) -> None:
    """Compares connections: with Nagle's algorithm on, an answer on a kept one takes 40 ms more than on a new one."""
    kept = http.client.HTTPConnection("127.0.0.1", served.port, timeout=HANGS_AFTER_S)
    kept_s, new_s = [], []
    for _ in range(25):
        kept_s.append(_answered_s(kept))
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=HANGS_AFTER_S)) as new:
            new_s.append(_answered_s(new))
    kept.close()
    assert statistics.median(kept_s) < 2 * statistics.median(new_s)


def _answered_s(connection: http.client.HTTPConnection) -> float:
    began_s = time.monotonic()
    connection.request("GET", "/v1/stream?chunks=1")
    connection.getresponse().read()
    return time.monotonic() - began_s


def test_a_failure_before_the_first_byte_is_a_502(served: Served) -> None:
    assert served.ask("/v1/stream?end=before").status == 502


@pytest.mark.parametrize("end", ["raise", "exit"])
def test_a_failure_after_the_first_byte_cuts_the_answer(served: Served, end: str) -> None:
    with pytest.raises(http.client.IncompleteRead):
        served.ask(f"/v1/stream?end={end}")
    assert served.ask("/v1/stream").status == 201


def test_killing_a_function_process_cuts_its_stream_and_the_next_request_gets_another(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=HANGS_AFTER_S)
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


def test_a_client_that_leaves_stops_the_stream_and_its_process_serves_on(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=HANGS_AFTER_S)
    connection.request("GET", "/v1/stream?chunks=1000000&every_ms=5&tag=left")
    response = connection.getresponse()
    pid = response.headers["x-pid"]
    response.read1(10)
    response.close()
    connection.close()
    log = served.register.parent / "nexgate-local-Streamed.log"
    assert comes_true(lambda: "lost left" in log.read_text())
    assert comes_true(lambda: served.ask("/v1/stream").headers["x-pid"] == pid)


def test_one_request_runs_per_process_and_more_than_the_cap_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, SMALL) as running:
        held = [http.client.HTTPConnection("127.0.0.1", running.port, timeout=HANGS_AFTER_S) for _ in range(4)]
        for connection in held:
            connection.request("GET", f"/v1/stream?gate={tmp_path}")
        pids = {connection.getresponse().headers["x-pid"] for connection in held}
        throttled = running.ask("/v1/stream")
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
    with serving(tmp_path, LASTING, buffered_with_timeout(1)) as running:
        pid = running.ask("/v1/things/a/b").json()["pid"]
        # A function left alone would wait for the integration's end, a 504.
        assert running.ask(f"/v1/things/a/b?do=wait&s={10 * HANGS_AFTER_S}").status == 502
        assert running.ask("/v1/things/a/b").json()["pid"] != pid


def test_a_function_is_left_alone_before_its_timeout(tmp_path: Path) -> None:
    with serving(tmp_path, LASTING, buffered_with_timeout(int(HANGS_AFTER_S))) as running:
        # The timeout of the test above would have killed it.
        assert running.ask("/v1/things/a/b?do=wait&s=1.1").status == 200


def buffered_with_timeout(timeout_s: int) -> Stack:
    """Returns the small stack, whose function without streams has another timeout than the template's 2 s."""
    stack, name = small_stack(), "nexgate-local-Buffered"
    return replace(stack, functions={**stack.functions, name: replace(stack.functions[name], timeout_s=timeout_s)})


def test_a_stream_that_is_silent_too_long_is_cut(tmp_path: Path) -> None:
    with serving(tmp_path, Limits(stream_idle_s=1.0)) as running:
        # The start of a process is silent too: on a busy machine the first answers may be refused for it.
        assert comes_true(lambda: is_cut(running, f"/v1/stream?chunks=2&gate={tmp_path}"))


def is_cut(served: Served, path: str) -> bool:
    """True for an answer that begins well and is cut before its end."""
    try:
        served.ask(path)
    except http.client.IncompleteRead as cut:
        return cut.partial == b"chunk 0\n"
    return False


def test_idle_processes_beyond_a_few_are_retired(tmp_path: Path) -> None:
    with serving(tmp_path, Limits(idle_processes=1, idle_s=0.2)) as running:
        held = [http.client.HTTPConnection("127.0.0.1", running.port, timeout=HANGS_AFTER_S) for _ in range(3)]
        for connection in held:
            connection.request("GET", f"/v1/stream?chunks=2&gate={tmp_path}")
        started = {connection.getresponse().headers["x-pid"] for connection in held}
        (tmp_path / "1").touch()
        for connection in held:
            connection.close()
        assert len(started) == 3
        assert comes_true(lambda: len(running.processes()) == 1)


def test_any_event_can_be_invoked_asynchronously(served: Served) -> None:
    answer = json.loads(served.invoke("nexgate-local-Buffered", {"source": "aws.events"}))
    assert json.loads(answer["body"])["event"] == {"source": "aws.events"}
