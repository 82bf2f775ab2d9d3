"""`python -m local reconcile`: one look of the reconciler at a stack that runs, by the machine's clock or another.

By a later clock a job counts as lost before it is due; whether it was or not, a later run takes its place.
"""

import argparse
import asyncio
import sys
from dataclasses import asdict, dataclass

import orjson

from gateway.bootstrap import SystemClock, aws_api
from gateway.canonical.jobs import JobKind
from gateway.errors import GatewayError
from gateway.jobs.opening import Opening
from gateway.jobs.reconciling import Reconciled, Reconciler
from gateway.settings import Settings, from_environment
from gateway.stores.executions_states import StepFunctionsExecutions
from gateway.stores.jobs_dynamodb import DynamoJobs
from gateway.stores.money_dynamodb import DynamoMoney
from gateway.transport import Client
from local.books import NoStack, of_running


@dataclass(frozen=True, slots=True)
class StandingClock:
    """A clock that shows one time."""

    at_s: float

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s


def run(arguments: argparse.Namespace) -> int:
    """Runs one look and prints what it found; 1 where it was refused, with the reason on standard error."""
    try:
        found = asyncio.run(_looked(from_environment(of_running(arguments.data.resolve())), arguments.now))
    except (GatewayError, NoStack) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(orjson.dumps(asdict(found)).decode())
    return 0


async def _looked(chosen: Settings, now_s: float | None) -> Reconciled:
    clock, client = SystemClock(), Client()
    aws = aws_api(chosen, client, clock)
    jobs = DynamoJobs(aws, chosen.jobs_table)
    money = DynamoMoney(aws, chosen.accounts_table, chosen.ledger_table)
    media, background = chosen.media_state_machine, chosen.background_state_machine
    machines = {JobKind.VIDEO: media, JobKind.MODEL_3D: media, JobKind.RESPONSE: background}
    executions = StepFunctionsExecutions(aws, machines)
    opening = Opening(jobs, money, executions, clock)
    try:
        looking = clock if now_s is None else StandingClock(now_s)
        return await Reconciler(jobs, executions, opening.withdraw, looking).look()
    finally:
        await client.close()
