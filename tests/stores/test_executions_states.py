"""Tests of executions on moto's Step Functions: started once by name, stopped if they run, and each wait ended once."""

from typing import Any

import orjson
import pytest

from gateway.canonical.jobs import JobKind
from gateway.errors import ServiceUnavailable
from gateway.stores.aws.client import AwsError, Unanswered
from gateway.stores.aws.executions import StepFunctionsErasures, StepFunctionsExecutions
from gateway.transport import Client
from tests.hangs import comes_true
from tests.stores.conftest import StoppedClock, api, boto, fresh
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

ROLE = "arn:aws:iam::123456789012:role/any"
WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
ENDS = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}


def machine(endpoints: Endpoints, definition: object) -> str:
    """Creates a state machine and returns its ARN."""
    made: str = boto("stepfunctions", endpoints.moto).create_state_machine(
        name=fresh("machine"), definition=orjson.dumps(definition).decode(), roleArn=ROLE
    )["stateMachineArn"]
    return made


def started(endpoints: Endpoints, arn: str) -> dict[str, Any]:
    """Returns the machine's executions by name."""
    told = boto("stepfunctions", endpoints.moto).list_executions(stateMachineArn=arn)["executions"]
    return {execution["name"]: execution for execution in told}


def executions(endpoints: Endpoints, client: Client, clock: StoppedClock, arn: str) -> StepFunctionsExecutions:
    return StepFunctionsExecutions(api(client, clock, "states", endpoints.moto), {JobKind.VIDEO: arn})


async def test_an_execution_bears_the_jobs_name_and_is_given_its_run(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    arn = machine(endpoints, WAITS)
    await executions(endpoints, client, clock, arn).start(JobKind.VIDEO, "gen_1", 2)
    (execution,) = started(endpoints, arn).values()
    told = boto("stepfunctions", endpoints.moto).describe_execution(executionArn=execution["executionArn"])
    assert (told["name"], orjson.loads(told["input"])) == ("gen_1-2", {"job_id": "gen_1", "run": 2, "wait_s": 1})


async def test_an_execution_that_runs_is_not_started_again(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    arn = machine(endpoints, WAITS)
    made = executions(endpoints, client, clock, arn)
    for _ in range(2):
        await made.start(JobKind.VIDEO, "gen_1", 1)
    assert list(started(endpoints, arn)) == ["gen_1-1"]


async def test_an_execution_that_has_ended_is_not_started_again(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    arn = machine(endpoints, ENDS)
    made = executions(endpoints, client, clock, arn)
    await made.start(JobKind.VIDEO, "gen_1", 1)
    assert comes_true(lambda: started(endpoints, arn)["gen_1-1"]["status"] == "SUCCEEDED")
    await made.start(JobKind.VIDEO, "gen_1", 1)
    assert list(started(endpoints, arn)) == ["gen_1-1"]


async def test_an_erasure_bears_the_accounts_name_and_is_started_once(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    arn = machine(endpoints, ENDS)
    erasures = StepFunctionsErasures(api(client, clock, "states", endpoints.moto), arn)
    await erasures.begin("acct_1")
    assert comes_true(lambda: started(endpoints, arn)["acct_1"]["status"] == "SUCCEEDED")
    await erasures.begin("acct_1")
    (execution,) = started(endpoints, arn).values()
    told = boto("stepfunctions", endpoints.moto).describe_execution(executionArn=execution["executionArn"])
    assert orjson.loads(told["input"]) == {"account_id": "acct_1", "round": 0}


async def test_a_later_run_is_an_execution_of_its_own(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    arn = machine(endpoints, WAITS)
    made = executions(endpoints, client, clock, arn)
    for run in (1, 2):
        await made.start(JobKind.VIDEO, "gen_1", run)
    assert sorted(started(endpoints, arn)) == ["gen_1-1", "gen_1-2"]


async def test_a_stop_ends_the_execution_that_was_meant(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    arn = machine(endpoints, WAITS)
    made = executions(endpoints, client, clock, arn)
    for run in (1, 2):
        await made.start(JobKind.VIDEO, "gen_1", run)
    await made.stop(JobKind.VIDEO, "gen_1", 1)
    stands = {name: execution["status"] for name, execution in started(endpoints, arn).items()}
    assert stands == {"gen_1-1": "ABORTED", "gen_1-2": "RUNNING"}


async def test_a_stop_of_an_execution_that_never_was_is_no_failure(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    made = executions(endpoints, client, clock, machine(endpoints, WAITS))
    await made.stop(JobKind.VIDEO, "gen_none", 1)


async def test_a_token_of_no_wait_is_left_alone(endpoints: Endpoints, client: Client, clock: StoppedClock) -> None:
    made = executions(endpoints, client, clock, machine(endpoints, WAITS))
    await made.wake("no-such-token", {"next": "await"})


class Refusing:
    """An API that gives every call the same answer, and records the calls."""

    def __init__(self, error: AwsError | None = None) -> None:
        self._error = error
        self.asked: list[tuple[str, str, Any]] = []

    async def call(self, service: str, operation: str, payload: Any) -> Any:
        self.asked.append((service, operation, payload))
        if self._error is not None:
            raise self._error
        return {}


ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:nexgate-media"


def refused_with(error: AwsError | None) -> tuple[StepFunctionsExecutions, Refusing]:
    refusing: Any = Refusing(error)
    return StepFunctionsExecutions(refusing, {JobKind.VIDEO: ARN}), refusing


async def test_a_wait_is_ended_with_what_is_to_be_done_next() -> None:
    made, api_ = refused_with(None)
    await made.wake("token", {"job_id": "gen_1", "next": "await"})
    payload = {"taskToken": "token", "output": '{"job_id":"gen_1","next":"await"}'}
    assert api_.asked == [("states", "SendTaskSuccess", payload)]


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
async def test_a_wait_that_is_over_is_left_alone(code: str) -> None:
    made, _ = refused_with(AwsError(code, "over"))
    await made.wake("token", {})


@pytest.mark.parametrize("error", [Unanswered("TimedOut", "?"), AwsError("AccessDeniedException", "no")], ids=str)
async def test_executions_that_cannot_be_reached_are_said_so(error: AwsError) -> None:
    made, _ = refused_with(error)
    with pytest.raises(ServiceUnavailable):
        await made.start(JobKind.VIDEO, "gen_1", 1)
    with pytest.raises(ServiceUnavailable):
        await made.stop(JobKind.VIDEO, "gen_1", 1)
    with pytest.raises(ServiceUnavailable):
        await made.wake("token", {})
