"""Tests that data survive mistakes: tables and secrets are retained, protected and restorable."""

import json
import re
from typing import Any

import pytest

from gateway.stores import erasing
from gateway.webhooks.posting import PAUSES_S
from tests.template.translated import Stack, load

# What finds objects by the beginning of their names.
LISTING = {"EraserFunction": {"MediaBucket"}}
# Tables that keep an account's things and that an erasure leaves: docs/privacy.md says what of them stays, and why.
LEFT = {"AccountsTable": "the books", "LedgerTable": "the books"}
TABLES = sorted(name for name, r in load()["Resources"].items() if r["Type"] == "AWS::DynamoDB::Table")
each_table = pytest.mark.parametrize("name", TABLES)


def keys(part: dict[str, Any]) -> list[tuple[str, str]]:
    return [(key["AttributeName"], key["KeyType"]) for key in part["KeySchema"]]


@each_table
def test_a_table_outlives_its_stack(stack: Stack, name: str) -> None:
    table = stack.resources[name]
    assert (
        table["DeletionPolicy"],
        table["UpdateReplacePolicy"],
        table["Properties"]["DeletionProtectionEnabled"],
    ) == ("Retain", "Retain", True)


@each_table
def test_a_table_can_be_restored_to_any_second_and_forgets_what_expires(stack: Stack, name: str) -> None:
    table = stack.resources[name]["Properties"]
    assert (table["PointInTimeRecoverySpecification"], table["TimeToLiveSpecification"]) == (
        {"PointInTimeRecoveryEnabled": True},
        {"AttributeName": "expires_at_s", "Enabled": True},
    )


@each_table
def test_a_table_is_on_demand_and_encrypted_by_a_key_that_costs_nothing(stack: Stack, name: str) -> None:
    # DynamoDB always encrypts; an SSESpecification chooses a key of KMS, whose every use is billed.
    table = stack.resources[name]["Properties"]
    assert (table["BillingMode"], "SSESpecification" in table) == ("PAY_PER_REQUEST", False)


def test_the_tables_have_the_keys_that_the_stores_use(stack: Stack) -> None:
    assert {name: keys(table) for name, table in stack.of_type("AWS::DynamoDB::Table").items()} == {
        "KeysTable": [("key_hash", "HASH")],
        "AccountsTable": [("account_id", "HASH")],
        "LedgerTable": [("account_id", "HASH"), ("sk", "RANGE")],
        "PeopleTable": [("id", "HASH"), ("sk", "RANGE")],
        "ProviderKeysTable": [("account_id", "HASH"), ("provider", "RANGE")],
        "IdempotencyTable": [("scope", "HASH")],
        "SignaturesTable": [("account_id", "HASH"), ("call", "RANGE")],
        "HealthTable": [("shard", "HASH"), ("target", "RANGE")],
        "ResponsesTable": [("account_id", "HASH"), ("response_id", "RANGE")],
        "FilesTable": [("account_id", "HASH"), ("file_id", "RANGE")],
        "JobsTable": [("job_id", "HASH")],
        "MemoriesTable": [("account_id", "HASH"), ("sk", "RANGE")],
        "SocketsTable": [("id", "HASH")],
        "FeedbackTable": [("account_id", "HASH"), ("sk", "RANGE")],
        "CacheTable": [("account_id", "HASH"), ("answer", "RANGE")],
        "CatalogTable": [("document", "HASH"), ("sk", "RANGE")],
        "WebhooksTable": [("account_id", "HASH"), ("sk", "RANGE")],
    }


def test_every_table_that_keeps_things_by_account_is_erased_or_has_a_reason(stack: Stack) -> None:
    tables = {name: table["Properties"] for name, table in stack.resources.items() if name in TABLES}
    by_account = {
        name: tuple(key for key, _ in keys(table))
        for name, table in tables.items()
        if ("account_id", "HASH") in keys(table)
        or any(("account_id", "HASH") in keys(index) for index in table.get("GlobalSecondaryIndexes", ()))
    }
    erased = {"".join(map(str.capitalize, kept.setting.split("_"))): kept.key for kept in erasing.TABLES}
    assert {name: by_account[name] for name in by_account.keys() - LEFT.keys()} == erased
    assert LEFT.keys() <= by_account.keys()
    variables = stack.functions["EraserFunction"]["Environment"]["Variables"]
    assert {kept.setting.upper() for kept in erasing.TABLES} <= variables.keys()


def test_what_finds_things_to_do_carries_keys_only(stack: Stack) -> None:
    found = {
        index["IndexName"]: (keys(index), index["Projection"]["ProjectionType"])
        for table in stack.of_type("AWS::DynamoDB::Table").values()
        for index in table.get("GlobalSecondaryIndexes", [])
    }
    assert found == {
        "ByActivity": ([("active_shard", "HASH"), ("active_slot", "RANGE")], "KEYS_ONLY"),
        "ByDeadline": ([("sweep_shard", "HASH"), ("sweep_at_s", "RANGE")], "KEYS_ONLY"),
        "ByDue": ([("due_shard", "HASH"), ("due_s", "RANGE")], "KEYS_ONLY"),
        # A page of jobs is one read.
        "ByAccount": ([("account_id", "HASH"), ("job_id", "RANGE")], "ALL"),
    }


def test_kept_answers_are_private_encrypted_without_versions_and_gone_after_a_day(stack: Stack) -> None:
    bucket = stack.of_type("AWS::S3::Bucket")["AnswersBucket"]
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert (rule["Status"], rule["ExpirationInDays"], "Prefix" in rule) == ("Enabled", 1, False)
    assert "VersioningConfiguration" not in bucket


@pytest.mark.parametrize("name", sorted(r for r in load()["Resources"] if r.endswith("Function")))
def test_what_reads_a_bucket_may_list_it_and_nothing_else_may(stack: Stack, name: str) -> None:
    # Without s3:ListBucket a missing object is forbidden, not missing.
    assert buckets(stack, name, "s3:ListBucket") == buckets(stack, name, "s3:GetObject") | LISTING.get(name, set())


def buckets(stack: Stack, function: str, action: str) -> set[str]:
    """Lists the buckets on which a function may perform an action."""
    granted = [grant["Resource"] for grant in stack.grants(function) if action in _list(grant["Action"])]
    return set(re.findall(r"\w+Bucket", json.dumps(granted)))


def test_every_bucket_refuses_connections_without_tls(stack: Stack) -> None:
    refused = {}
    for policy in stack.of_type("AWS::S3::BucketPolicy").values():
        (statement,) = policy["PolicyDocument"]["Statement"]
        refused[policy["Bucket"]["Ref"]] = (statement["Effect"], statement["Action"], statement["Condition"])
    everything = ("Deny", "s3:*", {"Bool": {"aws:SecureTransport": "false"}})
    assert refused == dict.fromkeys(stack.of_type("AWS::S3::Bucket"), everything)


def test_the_media_signer_may_read_media_and_do_nothing_else(stack: Stack) -> None:
    (policy,) = stack.resources["MediaSigner"]["Properties"]["Policies"]
    (grant,) = policy["PolicyDocument"]["Statement"]
    assert grant == {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": [{"Fn::Sub": "${MediaBucket.Arn}/media/*"}, {"Fn::Sub": "${MediaBucket.Arn}/uploads/*"}],
    }


def test_a_key_that_signs_addresses_stays_beside_the_next(stack: Stack) -> None:
    keys = stack.of_type("AWS::IAM::AccessKey")
    assert [stack.resources[name]["Condition"] for name in keys] == ["FirstSignerKey", "SecondSignerKey"]
    kept = load()["Parameters"]["MediaSignerKeys"]["AllowedValues"]
    # A user has two keys at most, so a step may create one or remove one, never both.
    alive = [{"first": {1}, "second": {2}}.get(value, {1, 2}) for value in kept]
    steps = zip(alive, [*alive[1:], alive[0]], strict=True)
    assert all(len(one ^ other) == 1 for one, other in steps)


def test_media_is_private_and_forgotten_after_a_month(stack: Stack) -> None:
    bucket = stack.of_type("AWS::S3::Bucket")["MediaBucket"]
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert (rules["results"]["Prefix"], rules["results"]["ExpirationInDays"]) == ("media/", 30)
    assert (rules["uploads"]["Prefix"], rules["uploads"]["ExpirationInDays"]) == ("uploads/", 30)
    assert rules["halves"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_a_settlement_that_fails_comes_again_and_in_the_end_waits_for_the_operator(stack: Stack) -> None:
    queues = stack.of_type("AWS::SQS::Queue")
    redrive = queues["SettlementsQueue"]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["LostSettlementsQueue", "Arn"]}
    assert queues["SettlementsQueue"]["VisibilityTimeout"] >= 6 * stack.functions["SettlementsFunction"]["Timeout"]


def test_every_reader_of_a_queue_says_which_messages_failed(stack: Stack) -> None:
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    assert [mapping["FunctionResponseTypes"] for mapping in mappings] == [["ReportBatchItemFailures"]] * 2


def test_a_webhook_is_tried_as_often_as_its_pauses_say(stack: Stack) -> None:
    redrive = stack.of_type("AWS::SQS::Queue")["NoticesQueue"]["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == len(PAUSES_S) + 1


def test_every_attribute_is_a_key(stack: Stack) -> None:
    for table in stack.of_type("AWS::DynamoDB::Table").values():
        used = {name for part in [table, *table.get("GlobalSecondaryIndexes", [])] for name, _ in keys(part)}
        assert {a["AttributeName"] for a in table["AttributeDefinitions"]} == used


@pytest.mark.parametrize("name", ["ProvidersSecret", "CallbacksSecret"])
def test_the_providers_secrets_outlive_their_stack_and_hold_nothing_from_the_template(stack: Stack, name: str) -> None:
    secret = stack.resources[name]
    assert (secret["DeletionPolicy"], secret["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert {"SecretString", "GenerateSecretString"} & set(secret["Properties"]) == set()


def test_nothing_that_outlives_its_stack_has_a_name_that_blocks_the_next(stack: Stack) -> None:
    names = {"BucketName", "Name", "QueueName", "RoleName", "TableName"}
    kept = {name: r.get("Properties", {}) for name, r in stack.resources.items() if "DeletionPolicy" in r}
    assert {name for name, properties in kept.items() if names & properties.keys()} == set()


def test_what_outlives_its_stack_goes_with_a_first_deployment_that_fails(stack: Stack) -> None:
    kept = {name: r["DeletionPolicy"] for name, r in stack.resources.items() if r.get("DeletionPolicy")}
    retained = {name for name, policy in kept.items() if policy == "Retain"}
    # A protected table cannot be deleted, so a rollback that tried would fail; versions go with their functions; and
    # the account's one role for logs may be in use by others.
    versions = stack.of_type("AWS::Lambda::Version").keys()
    assert retained - versions == {*TABLES, "ApiGatewayLogging", "ApiGatewayLoggingRole"}


def test_every_log_group_forgets(stack: Stack) -> None:
    for group in stack.of_type("AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_every_alarm_has_the_topic_for_alarms(stack: Stack) -> None:
    for alarm in stack.of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]


def test_the_outputs_are_the_base_urls_that_sdks_take() -> None:
    root = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${StageName}"
    outputs = {name: output["Value"] for name, output in load()["Outputs"].items() if "Url" in name}
    assert outputs == {
        "RootUrl": {"Fn::Sub": root},
        "OpenAIBaseUrl": {"Fn::Sub": f"{root}/v1"},
        "AnthropicBaseUrl": {"Fn::Sub": root},
        "GeminiBaseUrl": {"Fn::Sub": root},
        "RealtimeUrl": {"Fn::Sub": "wss://${RealtimeApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"},
    }


def test_the_apis_address_is_written_only_as_intrinsics() -> None:
    assert "amazonaws.com" not in json.dumps(load()["Outputs"])
