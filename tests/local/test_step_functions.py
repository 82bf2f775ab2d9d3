"""Tests of the changes to moto's Step Functions: functions of the stack, and definitions that are parsed once."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

import local.without_ec2  # noqa: F401  # before moto's own modules

# isort: split
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path

from local import step_functions
from tests.environments import ROOT

PASS = '{"StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": true}}}'


@pytest.fixture
def broken() -> Iterator[str]:
    """A server that answers as the stack's own does while it ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(500)
            self.send_header("content-length", "21")
            self.end_headers()
            self.wfile.write(b"Internal Server Error")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_an_answer_without_a_name_is_a_failure_that_can_be_retried(broken: str) -> None:
    invoke = step_functions.invoker(broken)
    assert invoke({"FunctionName": "jobs", "Payload": b"{}"}) == {
        "StatusCode": 500,
        "FunctionError": "Unhandled",
        "Payload": {"errorType": "Lambda.ServiceException", "errorMessage": "Internal Server Error"},
    }


def test_a_definition_and_a_path_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # The replaced functions are restored afterwards.
    monkeypatch.setattr(AmazonStateLanguageParser, "parse", AmazonStateLanguageParser.parse)
    monkeypatch.setitem(vars(json_path), "parse", vars(json_path)["parse"])
    step_functions.remember_parsed()
    assert AmazonStateLanguageParser.parse(PASS) is AmazonStateLanguageParser.parse(PASS)
    parse = vars(json_path)["parse"]
    assert parse("$.next") is parse("$.next")
    assert json_path.extract_json("$.next", {"next": "submit"}) == "submit"


def test_moto_starts_without_the_tables_of_ec2() -> None:
    program = "import sys, local.moto_process; print('moto.stepfunctions' in sys.modules, 'moto.ec2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT, text=True)
    assert done.stdout.split() == ["True", "False"]
