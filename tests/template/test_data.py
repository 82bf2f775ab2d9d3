"""What must outlive a mistake: tables and secrets are retained, protected and restorable."""

import json
from typing import Any

import pytest

from tests.template.translated import Stack, load

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
def test_a_table_is_on_demand_and_encrypted(stack: Stack, name: str) -> None:
    table = stack.resources[name]["Properties"]
    assert (table["BillingMode"], table["SSESpecification"]) == ("PAY_PER_REQUEST", {"SSEEnabled": True})


def test_the_tables_have_the_keys_that_the_stores_use(stack: Stack) -> None:
    assert {name: keys(table) for name, table in stack.of_type("AWS::DynamoDB::Table").items()} == {
        "KeysTable": [("key_hash", "HASH")],
        "AccountsTable": [("account_id", "HASH")],
        "LedgerTable": [("account_id", "HASH"), ("sk", "RANGE")],
    }


def test_the_sweepers_indexes_carry_keys_only(stack: Stack) -> None:
    found = {
        index["IndexName"]: (keys(index), index["Projection"]["ProjectionType"])
        for table in stack.of_type("AWS::DynamoDB::Table").values()
        for index in table.get("GlobalSecondaryIndexes", [])
    }
    assert found == {
        "ByActivity": ([("active_shard", "HASH"), ("active_slot", "RANGE")], "KEYS_ONLY"),
        "ByDeadline": ([("sweep_shard", "HASH"), ("sweep_at_s", "RANGE")], "KEYS_ONLY"),
    }


def test_every_attribute_is_a_key(stack: Stack) -> None:
    for table in stack.of_type("AWS::DynamoDB::Table").values():
        used = {name for part in [table, *table.get("GlobalSecondaryIndexes", [])] for name, _ in keys(part)}
        assert {a["AttributeName"] for a in table["AttributeDefinitions"]} == used


def test_the_providers_secret_outlives_its_stack_and_holds_nothing_from_the_template(stack: Stack) -> None:
    secret = stack.resources["ProvidersSecret"]
    assert (secret["DeletionPolicy"], secret["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert {"SecretString", "GenerateSecretString"} & set(secret["Properties"]) == set()


def test_every_log_group_forgets(stack: Stack) -> None:
    for group in stack.of_type("AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_every_alarm_tells_somebody(stack: Stack) -> None:
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
    }


def test_the_apis_address_is_written_only_as_intrinsics() -> None:
    assert "amazonaws.com" not in json.dumps(load()["Outputs"])
