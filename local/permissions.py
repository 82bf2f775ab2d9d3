"""Computes the permissions of an IAM role, and the action of a recorded AWS call.

It is pure, and covers only the kinds of statements that the template has.

Sources: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
docs.aws.amazon.com/service-authorization/latest/reference, by service.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from local.resource_names import ACCOUNT_ID, REGION, STACK_NAME

SERVICES = {
    "AWSStepFunctions": "states",
    "AmazonSQS": "sqs",
    "DynamoDB_20120810": "dynamodb",
    "GraniteServiceVersion20100801": "cloudwatch",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
}
# What a transaction's parts are asked for as.
PARTS = {"ConditionCheck": "ConditionCheckItem", "Delete": "DeleteItem", "Put": "PutItem", "Update": "UpdateItem"}
OBJECT_ACTIONS = {
    "DELETE": "DeleteObject",
    "GET": "GetObject",
    "HEAD": "GetObject",
    "POST": "PutObject",
    "PUT": "PutObject",
}
UPLOAD_ACTIONS = {"DELETE": "AbortMultipartUpload", "GET": "ListMultipartUploadParts"}
# SES's paths. A letter's own members are not written down, so its call names no resource.
LETTERS = "/v2/email/"
# Lambda's paths, each with a function's ARN in it.
INVOCATION = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
# The management API's paths, of the stack's one WebSocket API.
CONNECTIONS = re.compile(r"/(?P<stage>[^/]+)/(?:@|%40)connections/(?P<id>[^/]+)")
SOCKETS = f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{STACK_NAME}-RealtimeApi"
# A batch needs the right to what is in it.
BATCHES = {"DeleteMessageBatch": "DeleteMessage"}
# A call that names no resource, such as one by a task's token, is allowed where the action is allowed on any.
ANY = ""


class UnknownStatement(ValueError):
    """A statement uses something that is not judged here; the message names it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, its patterns in lists."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """An action on a resource by a function; both as IAM names them."""

    function: str
    action: str
    resource: str


def statements(documents: Iterable[Mapping[str, Any]]) -> tuple[Statement, ...]:
    """The statements of policy documents; raises UnknownStatement."""
    return tuple(_statement(one) for document in documents for one in document["Statement"])


def allowed(policy: Sequence[Statement], action: str, resource: str) -> bool:
    """True if a role with these statements may do this: one statement allows it, and none denies it."""
    matching = [one for one in policy if _matches(one.actions, action, ignore_case=True) and _names(one, resource)]
    return any(one.allows for one in matching) and all(one.allows for one in matching)


def calls(record: Mapping[str, Any]) -> list[Call]:
    """Lists the permissions that one recorded request needs, in IAM's terms."""
    function, operation = record["function"], record["operation"]
    if not operation and record["target"].startswith(LETTERS):
        return [Call(function, "ses:SendEmail", ANY)]
    if invoked := INVOCATION.fullmatch(record["target"]):
        return [Call(function, "lambda:InvokeFunction", _function(unquote(invoked[1])))]
    if connection := CONNECTIONS.fullmatch(record["target"]):
        resource = f"{SOCKETS}/{connection['stage']}/{record['method']}/@connections/{connection['id']}"
        return [Call(function, "execute-api:ManageConnections", resource)]
    if not operation:
        action, resource = _on_object(record["method"], record["target"])
        return [Call(function, f"s3:{action}", resource)]
    target, _, name = operation.partition(".")
    service, names = SERVICES[target], record["names"]
    if service == "dynamodb":
        return [Call(function, f"dynamodb:{action}", resource) for action, resource in _on_tables(name, names)]
    return [Call(function, f"{service}:{BATCHES.get(name, name)}", _resource(names))]


def _function(named: str) -> str:
    """The ARN of a function, which a call may name by its name alone."""
    return named if named.startswith("arn:") else f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{named}"


def _on_tables(operation: str, names: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if "parts" in names:
        return [(PARTS[part], _table(table)) for part, table in names["parts"]]
    if "tables" in names:
        return [(operation, _table(table)) for table in names["tables"]]
    index = f"/index/{names['IndexName']}" if "IndexName" in names else ""
    return [(operation, _table(names["TableName"]) + index)]


def _table(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{name}"


def _resource(names: Mapping[str, Any]) -> str:
    if queue := names.get("QueueUrl") or names.get("QueueName"):
        return f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{queue.rpartition('/')[2]}"
    named = ("KeyId", "SecretId", "stateMachineArn", "executionArn")
    return str(next((names[name] for name in named if names.get(name)), ANY))


def _on_object(method: str, target: str) -> tuple[str, str]:
    path, _, query = target.partition("?")
    if "list-type=2" in query:
        return "ListBucket", f"arn:aws:s3:::{unquote(path).strip('/')}"
    is_upload = "uploadId=" in query and "partNumber=" not in query
    action = (UPLOAD_ACTIONS if is_upload and method in UPLOAD_ACTIONS else OBJECT_ACTIONS)[method]
    return action, f"arn:aws:s3:::{unquote(path).removeprefix('/')}"


def _statement(raw: Mapping[str, Any]) -> Statement:
    unknown = raw.keys() - {"Effect", "Action", "Resource", "Sid"}
    if unknown:
        raise UnknownStatement(f"a statement with {', '.join(sorted(unknown))} is not judged here: {raw}")
    return Statement(raw["Effect"] == "Allow", _texts(raw["Action"]), _texts(raw["Resource"]))


def _texts(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _names(statement: Statement, resource: str) -> bool:
    return resource == ANY or _matches(statement.resources, resource)


def _matches(patterns: Iterable[str], text: str, *, ignore_case: bool = False) -> bool:
    return any(_expression(pattern, ignore_case).fullmatch(text) for pattern in patterns)


@lru_cache(maxsize=1024)
def _expression(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    """IAM's wildcards: `*` is any number of characters, `/` and `:` among them, and `?` is one."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL if ignore_case else re.DOTALL)
