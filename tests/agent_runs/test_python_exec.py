"""Tests of the tool that runs Python: what the model is told, and the function behind it."""

import importlib.util
from typing import Any

import orjson
import pytest

from gateway.errors import ServiceUnavailable
from gateway.ports.sandbox import Outcome
from gateway.stores.aws.client import Throttled, Unanswered
from gateway.stores.aws.sandbox import TRIES, LambdaSandbox
from gateway.untrusted.python import RUNS_S
from gateway.wiring.runner import SANDBOX_TIMEOUTS
from tests.agent_runs.harness import Place, call, say, scripted
from tests.template.translated import ROOT, load

pytestmark = pytest.mark.anyio
EVENT = orjson.loads((ROOT / "events/sandbox.json").read_bytes())
ARN = "arn:aws:lambda:us-east-1:123456789012:function:sandbox:live"


@pytest.mark.parametrize(
    ("code", "told", "failed"),
    [
        ("print(6 * 7)", {"output": "42\n"}, False),
        ("6 * 7", {"output": "(The program printed nothing; print what you want to see.)"}, False),
        ('print("a")\nimport socket', "No module named 'socket'", True),
        ('open("/etc/passwd")', "Permission denied", True),
    ],
)
async def test_a_model_is_told_what_its_program_printed_or_why_it_failed(
    home: Place, code: str, told: object, *, failed: bool
) -> None:
    view = await home.run(f"Count. {scripted(call('python_exec', code=code), say('Done.'))}")
    result = view["steps"][1]
    assert (view["status"], result["is_error"]) == ("succeeded", failed)
    output = orjson.loads(result["tool_output"])
    assert told in output["error"] if failed else output == told
    assert not failed or not code.startswith("print") or output["error"].endswith("Before that it printed:\na\n")


class Lambda:
    """Lambda's API that answers, or raises, what it is given."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Any, ...]] = []

    async def call(self, *asked: Any) -> Any:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_program_is_sent_to_the_alias_and_again_where_no_answer_came() -> None:
    api: Any = Lambda(Unanswered("TimedOut", "x"), {"output": "42\n", "error": None})
    assert await LambdaSandbox(api, ARN).run("print(42)") == Outcome("42\n")
    path = f"/2015-03-31/functions/{ARN.replace(':', '%3A')}/invocations"
    assert api.asked == [("lambda", path, {"code": "print(42)"})] * 2


@pytest.mark.parametrize(
    "answer", [{"errorType": "Sandbox.Timedout", "errorMessage": "x"}, Throttled("TooManyRequestsException", "x")]
)
async def test_a_sandbox_that_fails_is_said_to_be_away(answer: object) -> None:
    api: Any = Lambda(*[answer] * TRIES)
    with pytest.raises(ServiceUnavailable):
        await LambdaSandbox(api, ARN).run("print(42)")


async def test_the_function_answers_what_the_store_reads() -> None:
    found = importlib.util.spec_from_file_location("sandbox_app", ROOT / "functions/sandbox/app.py")
    assert found is not None
    assert found.loader is not None
    app = importlib.util.module_from_spec(found)
    found.loader.exec_module(app)
    assert await app.run_code(EVENT, None) == {"output": "45\n", "error": None}


def test_a_program_ends_before_its_function_and_the_function_before_the_runner_stops_waiting() -> None:
    timeout_s = load()["Resources"]["SandboxFunction"]["Properties"]["Timeout"]
    assert RUNS_S + 10 < timeout_s < SANDBOX_TIMEOUTS.first_byte_s
