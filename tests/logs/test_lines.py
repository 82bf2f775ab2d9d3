"""Tests of log lines: JSON with the ids of the invocation, exceptions without the texts of users."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.errors import InvalidRequest, ServiceUnavailable, UpstreamError
from gateway.logs.lines import configure, invocation
from gateway.stores.aws.client import AwsError

CANARY = "canary: a customer's words"
log = logging.getLogger("tests.some.module")
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Returns the lines logged since the last call."""
    configure("nexgate-test")
    return lambda: [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]


def logged_failure(error: BaseException) -> None:
    try:
        raise error
    except type(error):
        log.exception("it failed")


def test_a_line_says_when_how_bad_what_and_where_from(lines: Lines) -> None:
    record = logging.makeLogRecord(
        {"name": "a.b", "levelname": "INFO", "levelno": 20, "msg": "hold %s", "args": ("h1",)}
    )
    record.created, record.msecs = 1_795_244_400.007, 7.0
    logging.getLogger().handle(record)
    assert lines() == [
        {"timestamp": "2026-11-21T07:00:00.007Z", "level": "INFO", "message": "hold h1", "logger": "a.b"}
    ]


def test_info_is_written_and_debug_is_not(lines: Lines) -> None:
    log.debug("detail")
    log.info("news")
    assert [line["message"] for line in lines()] == ["news"]


def test_what_comes_as_extra_stands_in_the_line(lines: Lines) -> None:
    log.info("swept", extra={"released": 2, "left": 0})
    (line,) = lines()
    assert (line["released"], line["left"]) == (2, 0)


def test_a_line_breaks_nowhere_with_any_content(lines: Lines) -> None:
    log.info("one\ntwo", extra={"path": "\ud800", "kind": object})
    log.info("three", extra={"kind": object})
    assert [line["message"] for line in lines()] == [ascii("one\ntwo"), "three"]


def test_ids_are_on_the_lines_of_their_invocation_and_on_no_other(lines: Lines) -> None:
    async def served(number: int) -> None:
        with invocation(f"invocation-{number}", f"request-{number}"):
            await asyncio.sleep(0)
            await asyncio.create_task(asyncio.to_thread(log.info, "%d", number))

    async def both() -> None:
        await asyncio.gather(served(1), served(2))

    asyncio.run(both())
    log.info("outside")
    found = {line["message"]: (line.get("invocation_id"), line.get("request_id")) for line in lines()}
    assert found == {
        "1": ("invocation-1", "request-1"),
        "2": ("invocation-2", "request-2"),
        "outside": (None, None),
    }


def test_an_event_that_is_no_request_is_known_by_its_invocation(lines: Lines) -> None:
    with invocation("invocation-1"):
        log.info("swept")
    assert lines()[0]["request_id"] == "invocation-1"


def test_an_exception_is_logged_by_its_type_and_stack(lines: Lines) -> None:
    logged_failure(ServiceUnavailable("The store is busy."))
    (line,) = lines()
    assert (line["level"], line["error_type"], line["error"]) == ("ERROR", "ServiceUnavailable", "The store is busy.")
    assert line["stack"][-1].endswith(" logged_failure")
    assert "test_lines.py:" in line["stack"][-1]


def test_what_caused_an_exception_follows_it(lines: Lines) -> None:
    failed = ServiceUnavailable("The store is away.")
    failed.__cause__ = AwsError("AccessDeniedException", "not authorized")
    logged_failure(failed)
    (cause,) = lines()[0]["causes"]
    assert (cause["error_type"], cause["error"]) == ("AwsError", "AccessDeniedException: not authorized")


@pytest.mark.parametrize("error", [KeyError(CANARY), InvalidRequest(CANARY, param=CANARY), UpstreamError(CANARY)])
def test_words_that_may_be_a_customers_are_not_logged(error: Exception, lines: Lines) -> None:
    logged_failure(error)
    (line,) = lines()
    assert line["error_type"] == type(error).__name__
    assert "canary" not in orjson.dumps(line).decode()


def test_a_cause_that_may_quote_a_customer_is_logged_without_its_words(lines: Lines) -> None:
    failed = ServiceUnavailable("The store is away.")
    failed.__cause__ = KeyError(CANARY)
    failed.__cause__.__context__ = ValueError(CANARY)
    logged_failure(failed)
    (line,) = lines()
    assert [cause["error_type"] for cause in line["causes"]] == ["KeyError", "ValueError"]
    assert "canary" not in orjson.dumps(line).decode()


def test_lambdas_own_handler_goes_so_that_no_line_is_written_twice(
    monkeypatch: pytest.MonkeyPatch, root_logger: logging.Logger
) -> None:
    class OfLambda(logging.NullHandler):
        pass

    OfLambda.__module__ = "awslambdaric.bootstrap"
    other = logging.NullHandler()
    monkeypatch.setattr(root_logger, "handlers", [OfLambda(), other])
    configure("nexgate-test")
    configure("nexgate-test")
    assert [type(handler).__name__ for handler in root_logger.handlers] == ["NullHandler", "StderrHandler"]
