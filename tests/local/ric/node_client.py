"""Shows the emulator's fidelity with a client that is not ours, npm's aws-lambda-ric, started by `run` beside this."""

import http.client
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.limits import Limits
from tests.hangs import HANGS_AFTER_S
from tests.local.harness import Served, serving, small_stack

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    stack = small_stack()
    name = "nexgate-local-Streamed"
    node = replace(stack.functions[name], command_prefix=(str(HERE / "wrapper"),), task_root=HERE)
    with serving(
        tmp_path_factory.mktemp("node"), Limits(), replace(stack, functions={**stack.functions, name: node})
    ) as running:
        yield running


def test_nodes_stream_keeps_status_headers_and_body(served: Served) -> None:
    answer = served.ask("/v1/stream")
    assert (answer.status, answer.headers["content-type"], answer.body) == (
        201,
        "text/plain",
        b"chunk 0\nchunk 1\nchunk 2\n",
    )


def test_each_chunk_of_nodes_is_seen_before_the_next_one_is_written(served: Served, tmp_path: Path) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=HANGS_AFTER_S)
    connection.request("GET", f"/v1/stream?chunks=6&gate={tmp_path}")
    response = connection.getresponse()
    seen = []
    for number in range(1, 7):
        seen.append(response.read1(65536))
        (tmp_path / str(number)).touch()
    connection.close()
    assert seen == [b"chunk %d\n" % number for number in range(6)]


def test_nodes_failure_after_the_first_byte_cuts_the_answer(served: Served) -> None:
    with pytest.raises(http.client.IncompleteRead):
        served.ask("/v1/stream?end=raise")
    assert served.ask("/v1/stream").status == 201


def test_nodes_failure_before_the_first_byte_is_a_502(served: Served) -> None:
    assert served.ask("/v1/stream?end=before").status == 502
