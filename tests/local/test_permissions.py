"""Tests of the permissions of roles, judged as IAM judges them, and of the actions of recorded calls."""

from typing import Any

import pytest

from local.permissions import Call, UnknownStatement, allowed, calls, statements

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/jobs"


def policy(*given: dict[str, Any]) -> Any:
    return statements([{"Version": "2012-10-17", "Statement": list(given)}])


def allow(action: str | list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


@pytest.mark.parametrize(
    ("grant", "action", "resource", "may"),
    [
        (allow("dynamodb:GetItem", TABLE), "dynamodb:GetItem", TABLE, True),
        (allow("dynamodb:GetItem", TABLE), "dynamodb:PutItem", TABLE, False),
        (allow("dynamodb:GetItem", TABLE), "dynamodb:GetItem", f"{TABLE}-other", False),
        (allow("dynamodb:GetItem", TABLE), "dynamodb:GetItem", f"{TABLE}/index/ByDue", False),
        (allow(["sqs:SendMessage", "dynamodb:GetItem"], ["x", TABLE]), "dynamodb:GetItem", TABLE, True),
        (allow("DynamoDB:getitem", TABLE), "dynamodb:GetItem", TABLE, True),
        (allow("dynamodb:*", TABLE), "dynamodb:Query", TABLE, True),
        (allow("s3:GetObject", "arn:aws:s3:::media/media/*"), "s3:GetObject", "arn:aws:s3:::media/media/a/b.mp4", True),
        (allow("s3:GetObject", "arn:aws:s3:::media/media/*"), "s3:GetObject", "arn:aws:s3:::media/uploads/a", False),
        (allow("s3:GetObject", "arn:aws:s3:::m?dia/*"), "s3:GetObject", "arn:aws:s3:::media/a", True),
        (allow("s3:GetObject", "arn:aws:s3:::m.dia/*"), "s3:GetObject", "arn:aws:s3:::media/a", False),
        (allow("states:SendTaskSuccess", "arn:of:machine"), "states:SendTaskSuccess", "", True),
        (allow("states:StartExecution", "arn:of:machine"), "states:SendTaskSuccess", "", False),
    ],
)
def test_a_statement_allows_what_it_names(grant: dict[str, Any], action: str, resource: str, may: bool) -> None:
    assert allowed(policy(grant), action, resource) is may


def test_nothing_is_allowed_by_no_statement() -> None:
    assert allowed((), "dynamodb:GetItem", TABLE) is False


def test_what_is_denied_is_not_allowed() -> None:
    denied = {"Effect": "Deny", "Action": "dynamodb:Delete*", "Resource": "*"}
    both = policy(allow("dynamodb:*", TABLE), denied)
    assert [allowed(both, f"dynamodb:{name}", TABLE) for name in ("GetItem", "DeleteItem")] == [True, False]


@pytest.mark.parametrize("more", [{"Condition": {"Bool": {}}}, {"NotAction": "s3:*"}, {"Principal": "*"}])
def test_a_statement_that_is_not_understood_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(UnknownStatement, match=next(iter(more))):
        policy({**allow("s3:GetObject", "*"), **more})


def asked(operation: str, **names: Any) -> list[Call]:
    return calls({"function": "f", "method": "POST", "target": "/", "operation": operation, "names": names})


def test_a_transaction_is_allowed_part_by_part() -> None:
    parts = [["Put", "jobs"], ["Update", "jobs"], ["Delete", "jobs"], ["ConditionCheck", "jobs"]]
    assert asked("DynamoDB_20120810.TransactWriteItems", parts=parts) == [
        Call("f", f"dynamodb:{action}", TABLE)
        for action in ("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")
    ]


def test_an_index_is_a_resource_of_its_own() -> None:
    made = asked("DynamoDB_20120810.Query", TableName="jobs", IndexName="ByDue")
    assert made == [Call("f", "dynamodb:Query", f"{TABLE}/index/ByDue")]


def test_a_batch_is_asked_of_each_table() -> None:
    assert asked("DynamoDB_20120810.BatchGetItem", tables=["jobs"]) == [Call("f", "dynamodb:BatchGetItem", TABLE)]


@pytest.mark.parametrize(
    ("operation", "names", "call"),
    [
        (
            "AmazonSQS.SendMessage",
            {"QueueUrl": "http://q/123456789012/notices"},
            Call("f", "sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:notices"),
        ),
        ("secretsmanager.GetSecretValue", {"SecretId": "arn:s"}, Call("f", "secretsmanager:GetSecretValue", "arn:s")),
        ("AWSStepFunctions.StartExecution", {"stateMachineArn": "arn:m"}, Call("f", "states:StartExecution", "arn:m")),
        ("AWSStepFunctions.StopExecution", {"executionArn": "arn:e"}, Call("f", "states:StopExecution", "arn:e")),
        ("AWSStepFunctions.SendTaskSuccess", {}, Call("f", "states:SendTaskSuccess", "")),
    ],
)
def test_a_services_operation_is_its_action(operation: str, names: dict[str, str], call: Call) -> None:
    assert asked(operation, **names) == [call]


@pytest.mark.parametrize(
    ("method", "query", "action"),
    [
        ("GET", "", "GetObject"),
        ("HEAD", "", "GetObject"),
        ("PUT", "", "PutObject"),
        ("DELETE", "", "DeleteObject"),
        ("POST", "?uploads", "PutObject"),
        ("PUT", "?partNumber=1&uploadId=u", "PutObject"),
        ("POST", "?uploadId=u", "PutObject"),
        ("GET", "?uploadId=u", "ListMultipartUploadParts"),
        ("DELETE", "?uploadId=u", "AbortMultipartUpload"),
    ],
)
def test_a_request_to_s3_is_what_its_method_and_query_say(method: str, query: str, action: str) -> None:
    made = calls({"function": "f", "method": method, "target": f"/media/a%20b/c{query}", "operation": ""})
    assert made == [Call("f", f"s3:{action}", "arn:aws:s3:::media/a b/c")]


def test_an_invocation_is_one_of_the_function_in_its_path() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:nexgate-local-SandboxFunction:live"
    target = f"/2015-03-31/functions/{arn.replace(':', '%3A')}/invocations"
    record = {"function": "f", "method": "POST", "target": target, "operation": ""}
    assert calls(record) == [Call("f", "lambda:InvokeFunction", arn)]


def test_a_list_is_asked_of_the_bucket() -> None:
    made = calls({"function": "f", "method": "GET", "target": "/media/?list-type=2&prefix=a%2F", "operation": ""})
    assert made == [Call("f", "s3:ListBucket", "arn:aws:s3:::media")]
