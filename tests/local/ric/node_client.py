"""The emulator's fidelity, shown by a client that is not ours: npm's aws-lambda-ric; started by `run` beside this."""

import http.client
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import monotonic

import pytest

from local.limits import Limits
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


def test_nodes_chunks_are_seen_as_they_are_written(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.request("GET", "/v1/stream?chunks=6&every_ms=100")
    response = connection.getresponse()
    seen_at_s = []
    while response.read1(65536):
        seen_at_s.append(monotonic())
    connection.close()
    gaps_ms = [round((after - before) * 1000) for before, after in pairwise(seen_at_s)]
    assert len(gaps_ms) == 5
    assert all(60 <= gap_ms <= 160 for gap_ms in gaps_ms), gaps_ms


def test_nodes_failure_after_the_first_byte_cuts_the_answer(served: Served) -> None:
    with pytest.raises(http.client.IncompleteRead):
        served.ask("/v1/stream?end=raise")
    assert served.ask("/v1/stream").status == 201


def test_nodes_failure_before_the_first_byte_is_a_502(served: Served) -> None:
    assert served.ask("/v1/stream?end=before").status == 502
