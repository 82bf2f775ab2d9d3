"""Tests that the settings of a process are what its environment says."""

import pytest

from gateway.limits.windows import READS_RPM
from gateway.wiring.settings import READERS, VARIABLES, Settings, from_environment

COMPUTED = {"region", "aws_credentials", "endpoints", "operators"}


def test_each_field_has_a_reader_for_its_type() -> None:
    types = {kind for name, kind in Settings.__annotations__.items() if name not in COMPUTED}
    assert types == set(READERS)


def test_each_variable_is_that_of_a_field() -> None:
    assert set(VARIABLES) <= set(Settings.__struct_fields__)


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("KEYS_TABLE", "keys", "keys_table", "keys"),
        ("PUBLIC_URL", "https://api.test", "public_url", "https://api.test"),
        ("READS_PER_MINUTE", "12", "reads_rpm", 12),
        ("AWS_LAMBDA_MAX_CONCURRENCY", "16", "concurrency", 16),
        ("SOCKET_RUN_S", "2.5", "socket_run_s", 2.5),
        ("LEARNED_ROUTES", "true", "learned_routes", True),
        ("LEARNED_ROUTES", "false", "learned_routes", False),
        ("HEDGED_MODELS", "one, two,", "hedged_models", frozenset({"one", "two"})),
        ("CONSOLE_FUNCTIONS", "chat=a, keys=b", "console_functions", {"chat": "a", "keys": "b"}),
        ("OPERATORS", "Ann@Example.com", "operators", frozenset({"ann@example.com"})),
        ("AWS_DEFAULT_REGION", "eu-west-1", "region", "eu-west-1"),
    ],
)
def test_a_field_is_read_from_its_variable_by_its_type(variable: str, text: str, field: str, value: object) -> None:
    assert getattr(from_environment({variable: text}), field) == value


@pytest.mark.parametrize("field", sorted(set(Settings.__struct_fields__) - COMPUTED))
def test_an_empty_variable_leaves_the_default(field: str) -> None:
    empty = from_environment({VARIABLES.get(field) or field.upper(): ""})
    assert getattr(empty, field) == getattr(from_environment({}), field)


def test_the_defaults_of_a_bare_environment_are_a_gateway_of_its_own() -> None:
    bare = from_environment({})
    assert (bare.region, bare.registration, bare.reads_rpm, bare.concurrency) == ("us-east-1", "closed", READS_RPM, 1)
    assert (bare.operators, bare.own_hosts, bare.provider_urls, bare.learned_routes) == (
        *(frozenset(), frozenset()),
        *({}, False),
    )
