"""Holds the AWS calls that functions made against their roles: each is allowed, and nothing is allowed for no use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import orjson

from local.permissions import Call, Statement, allowed, calls
from local.resource_names import ResourceNames
from local.template import Function, resolve, translate
from tests.template.families import naming

ROOT = Path(__file__).parents[2]
# What functions have asked of AWS, a file for each stack; `python -m tests.roles` judges all of them together.
CALLS = ROOT / ".cache" / "aws-calls"

# What a role allows although its function never asks for it, with the reason.
EVERY_FUNCTION = {
    "logs:CreateLogStream": "Lambda itself writes a function's logs, by the function's role.",
    "logs:PutLogEvents": "Lambda itself writes a function's logs, by the function's role.",
}
# S3 asks for it when an object that is to be read is missing; only a list of a bucket names it.
NEEDS_LISTING = {"s3:ListBucket": "s3:GetObject"}


@dataclass(frozen=True)
class Excuse:
    """Actions that roles allow although no test of the stack has their functions ask for them, and why.

    Functions need them after failures that such a test cannot bring about at will. Each family's role allows each
    action on the one resource, which is the whole of its ARN behind the account. `tests` are the files whose tests do
    make the call, on a fake or on the real store; there are none where AWS itself makes the call.
    """

    families: tuple[str, ...]
    actions: tuple[str, ...]
    resource: str
    reason: str
    tests: tuple[str, ...]

    def covers(self, family: str, action: str, resource: str) -> bool:
        return family in self.families and action in self.actions and resource.split(":", 5)[-1] == self.resource


CREATING = naming("ReplayPolicy")
# Those that hold money; the reconciler gives it back for a job that it withdraws.
HOLDING = naming("MoneyPolicy")
ENDING = (*HOLDING, "settlements", "sweeper")
# Those that may find that a key's spend has come to a share of its cap; chat's are asked for by a test of the stack,
# and the notifier tells by the same queue all the time.
TELLING = tuple(family for family in naming("TellingPolicy") if family not in {"chat", "notifier"})
DEFERRING = naming("DeferralPolicy")
ASKING = naming("AskingPolicy")
# Those that keep signatures; chat's are asked for by tests of the stack.
BRIDGING = tuple(family for family in naming("ConversationPolicy") if family != "chat")
# Those that may open accounts' own provider keys; chat's are asked for by a test of the stack.
OPENING = (*(family for family in ASKING if family != "chat"), "agents", "realtime", "tasks")
# Those that read the files which requests name; chat's are asked for by a test of the stack.
READING = tuple(family for family in naming("UploadsPolicy") if family != "chat")
# Those that give answers again.
CACHING = ("chat", "gemini", "messages", "responses")
AWS_POLLS = "Lambda's poller reads the queue, by the function's role."
EXCUSES = (
    *(
        Excuse(
            families,
            actions,
            resource,
            "A session has died, or has not begun for want of a store: one piece of code ends what is left of it.",
            ("tests/sockets/test_beginning.py", "tests/sockets/test_carrying.py", "tests/stack/test_realtime.py"),
        )
        for families, actions, resource in (
            (("realtime", "sweeper"), ("sqs:DeleteQueue",), "nexgate-local-realtime-*"),
            (("sweeper",), ("execute-api:ManageConnections",), "nexgate-local-RealtimeApi/*"),
            (("realtime", "sweeper"), ("dynamodb:DeleteItem",), "table/nexgate-local-SocketsTable"),
        )
    ),
    *(
        Excuse(
            OPENING,
            (action,),
            resource,
            "An account has a provider key of its own, which one piece of code reads and opens for all families.",
            ("tests/stores/test_provider_keys.py", "tests/stack/test_provider_keys.py"),
        )
        for action, resource in (
            ("dynamodb:Query", "table/nexgate-local-ProviderKeysTable"),
            ("kms:Decrypt", f"key/{uuid5(NAMESPACE_URL, 'nexgate-local-ProviderKeysKey')}"),
        )
    ),
    Excuse(
        TELLING,
        ("sqs:SendMessage",),
        "nexgate-local-NoticesQueue",
        "An owner is told of a key's spend only where that has come to a share of its cap, or the cap refuses.",
        ("tests/webhooks/test_alerts.py", "tests/stores/test_notices_sqs.py"),
    ),
    Excuse(
        ("notifier",),
        ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
        "nexgate-local-NoticesQueue",
        AWS_POLLS,
        (),
    ),
    Excuse(
        ("settlements",),
        ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
        "nexgate-local-SettlementsQueue",
        AWS_POLLS,
        (),
    ),
    Excuse(
        HOLDING,
        ("dynamodb:ConditionCheckItem",),
        "table/nexgate-local-LedgerTable",
        "A hold that is raised when it is in the ledger already.",
        ("tests/money/test_settlement.py",),
    ),
    *(
        Excuse(
            (*HOLDING, "settlements"),
            ("dynamodb:ConditionCheckItem",),
            f"table/nexgate-local-{table}",
            "A hold that was never made is ended, so that its admission, if it comes late, holds nothing.",
            ("tests/money/test_plans.py", "tests/stores/test_disowning.py"),
        )
        for table in ("AccountsTable", "LedgerTable")
    ),
    Excuse(
        ENDING,
        ("dynamodb:DeleteItem", "dynamodb:UpdateItem"),
        "table/nexgate-local-LedgerTable",
        "A hold that is in the ledger, for an account has many or it lasts.",
        ("tests/money/test_settlement.py",),
    ),
    Excuse(
        ENDING,
        ("dynamodb:GetItem", "dynamodb:Query"),
        "table/nexgate-local-LedgerTable",
        "A hold that another process has ended, whose end is read.",
        ("tests/money/test_deaths.py",),
    ),
    Excuse(
        ("reconciler", "settlements", "sweeper", "videos"),
        ("dynamodb:PutItem",),
        "table/nexgate-local-LedgerTable",
        "The end of a hold whose own process could not end it.",
        ("tests/money/test_late_ends.py", "tests/money/test_settlement.py", "tests/jobs/test_chaos.py"),
    ),
    Excuse(
        (*HOLDING, "settlements"),
        ("dynamodb:GetItem",),
        "table/nexgate-local-AccountsTable",
        "A hold that another process has ended, or a large body, whose account is read.",
        ("tests/money/test_deaths.py",),
    ),
    Excuse(
        ("reconciler", "settlements", "sweeper"),
        ("dynamodb:UpdateItem",),
        "table/nexgate-local-AccountsTable",
        "The end of a hold whose own process could not end it.",
        ("tests/money/test_late_ends.py", "tests/money/test_settlement.py", "tests/jobs/test_chaos.py"),
    ),
    *(
        Excuse(
            ("usage",),
            actions,
            resource,
            "An account with many entries that are older than five minutes, which are added to its sums of usage.",
            ("tests/money/test_usage_sums.py",),
        )
        for actions, resource in (
            (("dynamodb:UpdateItem",), "table/nexgate-local-AccountsTable"),
            (("dynamodb:Query", "dynamodb:UpdateItem"), "table/nexgate-local-LedgerTable"),
        )
    ),
    Excuse(
        DEFERRING,
        ("sqs:SendMessage",),
        "nexgate-local-SettlementsQueue",
        "A settlement that DynamoDB does not take within 2 s.",
        ("tests/stores/test_deferred_sqs.py",),
    ),
    Excuse(
        CREATING,
        ("dynamodb:DeleteItem",),
        "table/nexgate-local-IdempotencyTable",
        "A creation that fails once its key is taken.",
        ("tests/idempotency/test_ring.py", "tests/stores/test_idempotency_records.py"),
    ),
    Excuse(
        CREATING,
        ("s3:DeleteObject",),
        "nexgate-local-answersbucket/answers/*",
        "An answer whose record could not be completed.",
        ("tests/idempotency/test_deaths.py", "tests/stores/test_objects.py"),
    ),
    *(
        Excuse(
            ("runner",),
            (action,),
            resource,
            "A call that a process made before it died, whose answer is kept.",
            ("tests/agent_runs/test_deaths.py", "tests/stores/test_objects.py"),
        )
        for action, resource in (
            ("s3:GetObject", "nexgate-local-answersbucket/answers/*"),
            ("s3:ListBucket", "nexgate-local-answersbucket"),
        )
    ),
    Excuse(
        ("notifier",),
        ("s3:ListBucket",),
        "nexgate-local-responsesbucket",
        "S3 tells that a task's records are gone only to those that may list.",
        ("tests/agent_runs/test_deliverables.py", "tests/stores/test_objects.py"),
    ),
    Excuse(
        ("sockets",),
        ("s3:ListBucket",),
        "nexgate-local-responsesbucket",
        "S3 tells that a stored response is gone only to those that may list.",
        ("tests/stores/test_objects.py",),
    ),
    Excuse(
        BRIDGING,
        ("dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"),
        "table/nexgate-local-SignaturesTable",
        "Signatures that a bridge between two wires keeps, by one piece of code for all.",
        ("tests/signatures/test_stores.py",),
    ),
    Excuse(
        ASKING,
        ("dynamodb:DeleteItem", "dynamodb:PutItem"),
        "table/nexgate-local-HealthTable",
        "A provider's target that fails, or serves again.",
        ("tests/stores/test_health.py", "tests/app/test_health.py"),
    ),
    Excuse(
        READING,
        ("s3:ListBucket",),
        "nexgate-local-mediabucket",
        "S3 tells that a file is missing only to those that may list.",
        ("tests/files/test_inputs.py", "tests/stack/test_files.py"),
    ),
    Excuse(
        ("account",),
        ("dynamodb:PutItem",),
        "table/nexgate-local-LedgerTable",
        "The credit that a new account starts with, which the stack does not give.",
        ("tests/people/test_registration.py",),
    ),
    Excuse(
        ("webhooks",),
        ("dynamodb:GetItem",),
        "table/nexgate-local-PeopleTable",
        "A session, which one piece of code reads for all families.",
        ("tests/http/test_every_endpoint.py", "tests/stores/test_people.py"),
    ),
    Excuse(
        READING,
        ("s3:GetObject",),
        "nexgate-local-mediabucket/uploads/*",
        "An uploaded file that a request names, which one piece of code reads for all families.",
        ("tests/files/test_inputs.py", "tests/app/test_named_files.py"),
    ),
    Excuse(
        ("background",),
        ("dynamodb:GetItem",),
        "table/nexgate-local-ResponsesTable",
        "A response that an execution stored before it was lost.",
        ("tests/background/test_running.py",),
    ),
    Excuse(
        ("jobs",),
        ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
        "nexgate-local-mediabucket/media/*",
        "An upload that an earlier execution left half done.",
        ("tests/jobs/test_mirroring.py", "tests/stores/test_media_objects.py"),
    ),
    Excuse(
        ("generation", "images", "reconciler", "videos"),
        ("dynamodb:DeleteItem",),
        "table/nexgate-local-JobsTable",
        "A job that could not be started and is withdrawn.",
        ("tests/generation/test_jobs.py", "tests/stores/test_jobs.py"),
    ),
    Excuse(
        ("operator",),
        ("dynamodb:GetItem",),
        "table/nexgate-local-JobsTable",
        "A job that has been due for ten minutes is read as it stands; no test of the stack waits for so long.",
        ("tests/stores/test_jobs.py",),
    ),
    Excuse(
        ("reconciler",),
        ("dynamodb:GetItem", "dynamodb:PutItem"),
        "table/nexgate-local-JobsTable",
        "A job whose execution is lost.",
        ("tests/jobs/test_reconciling.py", "tests/stores/test_jobs.py"),
    ),
    *(
        Excuse(
            ("eraser",),
            ("dynamodb:DeleteItem",),
            f"table/nexgate-local-{table}Table",
            "What an account without that content has none of.",
            ("tests/stores/test_erasing.py",),
        )
        for table in ("Cache", "Memories", "Feedback", "Signatures")
    ),
    Excuse(
        ("eraser",),
        ("s3:DeleteObject",),
        "nexgate-local-answersbucket/answers/*",
        "What an account without large cached answers has none of.",
        ("tests/stores/test_erasing.py",),
    ),
    Excuse(
        CACHING,
        ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
        "table/nexgate-local-CacheTable",
        "The cache of answers, by one piece of code for all wires; a claim that its request could not use is rare.",
        ("tests/app/test_cache.py", "tests/stores/test_answers.py", "tests/stack/test_cache.py"),
    ),
    Excuse(
        ("eraser",),
        ("s3:DeleteObject",),
        "nexgate-local-mediabucket/media/*",
        "What an account that has made no media has none of.",
        ("tests/stores/test_erasing.py",),
    ),
    *(
        Excuse(
            families,
            (action,),
            f"table/nexgate-local-{table}Table",
            "Outcomes and ratings, where the deployment learns routes.",
            ("tests/stores/test_routes.py", "tests/app/test_learned_routes.py", "tests/learning/test_lessons.py"),
        )
        for families, table, action in (
            (("learner",), "Health", "dynamodb:GetItem"),
            (("learner",), "Health", "dynamodb:PutItem"),
            (("learner",), "Feedback", "dynamodb:GetItem"),
            (("learner",), "Feedback", "dynamodb:PutItem"),
        )
    ),
    Excuse(
        ("callbacks",),
        ("dynamodb:PutItem",),
        "table/nexgate-local-JobsTable",
        "A callback that comes before its job waits for it.",
        ("tests/jobs/test_callbacks.py", "tests/stores/test_jobs.py"),
    ),
    Excuse(
        ("generation", "videos"),
        ("states:SendTaskSuccess",),
        "stateMachine:nexgate-local-media",
        "A job that is canceled while it waits.",
        ("tests/generation/test_jobs.py", "tests/stores/test_executions_states.py"),
    ),
    *(
        Excuse(
            ("reconciler",),
            (action,),
            resource,
            "A job whose execution is lost.",
            ("tests/jobs/test_reconciling.py", "tests/stores/test_executions_states.py"),
        )
        for machine in ("nexgate-local-agents", "nexgate-local-background", "nexgate-local-media")
        for action, resource in (
            ("states:StartExecution", f"stateMachine:{machine}"),
            ("states:StopExecution", f"execution:{machine}:*"),
        )
    ),
)


@cache
def functions() -> Mapping[str, Function]:
    """The template's functions by name, with what their roles allow."""
    return resolve(translate(ROOT / "template.yaml"), ROOT, ResourceNames("http://queues.test")).functions


def asking() -> set[str]:
    """The functions that have anything to ask of AWS: what a role allows every function, Lambda itself asks for."""
    return {
        name
        for name, function in functions().items()
        if any(set(grant.actions) - EVERY_FUNCTION.keys() for grant in function.grants)
    }


def recorded(files: Iterable[Path]) -> set[Call]:
    """The calls that stacks have written down."""
    lines = {line for file in files if file.is_file() for line in file.read_bytes().splitlines()}
    return {call for line in lines for call in calls(orjson.loads(line))}


def refused(made: Iterable[Call]) -> list[Call]:
    """The calls that the template's roles do not allow."""
    known = functions()
    return sorted(
        call
        for call in made
        if call.function in known and not allowed(known[call.function].grants, call.action, call.resource)
    )


def excused(family: str, action: str, resource: str) -> bool:
    """True if the list of excuses has a reason for it."""
    return any(excuse.covers(family, action, resource) for excuse in EXCUSES)


def unused(made: Iterable[Call]) -> list[tuple[str, str, str]]:
    """Family, action and resource, where a role allows what its function never asked for, without a listed reason."""
    asked: dict[str, list[Call]] = {}
    for call in made:
        asked.setdefault(call.function, []).append(call)
    found = []
    for name, function in functions().items():
        for action, resource in sorted(granted(function)):
            if action in EVERY_FUNCTION or excused(function.family, action, resource):
                continue
            one = [
                Statement(allows=True, actions=(action,), resources=(resource,)),
                Statement(allows=True, actions=(NEEDS_LISTING.get(action, action),), resources=(_objects(resource),)),
            ]
            if not any(allowed(one, call.action, call.resource) for call in asked.get(name, [])):
                found.append((function.family, action, resource))
    return sorted(found)


def granted(function: Function) -> set[tuple[str, str]]:
    """Lists the actions that a function's role allows, each with the resource."""
    return {(action, resource) for grant in function.grants for action in grant.actions for resource in grant.resources}


def _objects(resource: str) -> str:
    """A bucket's objects, where a bucket is meant."""
    return f"{resource}/*" if resource.startswith("arn:aws:s3:::") and "/" not in resource else resource
