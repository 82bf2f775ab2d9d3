"""Tests of the limits of a key's settings: each is a 400 that names its path, and a refused call changes nothing."""

from __future__ import annotations

import pytest

from tests.control_plane.harness import MANAGER_ID, AppUnderTest, refusal

pytestmark = pytest.mark.anyio

VALUE, TYPE = "invalid_value", "invalid_type"
REFUSED = [
    ("name", "", VALUE),
    ("name", "x" * 101, VALUE),
    ("name", " \t ", VALUE),
    ("name", "a\u0000b", VALUE),
    ("name", None, TYPE),
    ("name", 7, TYPE),
    ("monthly_spend_cap_usd", "-1", VALUE),
    ("monthly_spend_cap_usd", -1, VALUE),
    ("monthly_spend_cap_usd", "1e9", VALUE),
    ("monthly_spend_cap_usd", "1000000000.000000001", VALUE),
    ("monthly_spend_cap_usd", "0.0000000001", VALUE),
    ("monthly_spend_cap_usd", "9" * 100_000, VALUE),
    ("monthly_spend_cap_usd", "١٢", VALUE),
    ("monthly_spend_cap_usd", "NaN", VALUE),
    ("monthly_spend_cap_usd", "", VALUE),
    ("monthly_spend_cap_usd", True, VALUE),
    ("monthly_spend_cap_usd", ["1"], VALUE),
    ("rpm_limit", 0, VALUE),
    ("rpm_limit", -1, VALUE),
    ("rpm_limit", 1_000_001, VALUE),
    ("rpm_limit", 18446744073686646784, VALUE),
    ("rpm_limit", 10**30, TYPE),
    ("rpm_limit", 60.0, TYPE),
    ("rpm_limit", "60", TYPE),
    ("rpm_limit", True, TYPE),
    ("tpm_limit", 0, VALUE),
    ("max_parallel", 0, VALUE),
    ("allowed_ips", "10.0.0.0/8", TYPE),
    ("allowed_ips", ["10.0.0.1"] * 101, VALUE),
    ("allowed_models", ["gpt-4o"] * 101, VALUE),
    ("expires_at", "2026-11-21T06:40:10Z", VALUE),
    ("expires_at", "tomorrow", VALUE),
    ("expires_at", "2030-01-31T00:00:00Z\0", VALUE),
    ("expires_at", 1_900_000_000, VALUE),
    ("expires_at", "99999-01-01T00:00:00Z", VALUE),
    ("region_policy", "moon-only", VALUE),
    ("region_policy", None, VALUE),
    ("cache_threshold", 0.4, VALUE),
    ("cache_threshold", 1.01, VALUE),
    ("cache_threshold", "0.8", TYPE),
    ("cache_threshold", True, TYPE),
    ("cache", "on", VALUE),
    ("cache", None, TYPE),
    ("alert_webhook_url", "http://hooks.example", VALUE),
    ("alert_webhook_url", "https://", VALUE),
    ("alert_webhook_url", "https://user:pass@hooks.example", VALUE),
    ("alert_webhook_url", "https://hooks.example:99999/", VALUE),
    ("alert_webhook_url", "https://[hooks", VALUE),
    ("alert_webhook_url", "https://hooks.example/a b", VALUE),
    ("alert_webhook_url", "https://169.254.169.254/latest/meta-data", VALUE),
    ("alert_webhook_url", "https://[::1]/", VALUE),
    ("alert_webhook_url", "https://localhost/", VALUE),
    ("alert_webhook_url", "https://hooks.example/" + "x" * 2048, VALUE),
    ("can_manage_keys", "true", TYPE),
    ("can_manage_keys", None, TYPE),
    ("disabled", 1, TYPE),
    ("spend_cap", "1", "unknown_parameter"),
    ("revoked", True, "unknown_parameter"),
    ("account_id", "acc_two", "unknown_parameter"),
]


@pytest.mark.parametrize(("name", "value", "code"), REFUSED)
async def test_a_setting_out_of_its_bounds_is_refused_by_its_name(
    nexgate: AppUnderTest, name: str, value: object, code: str
) -> None:
    before = (await nexgate.ask("GET", "/v1/keys")).json()
    created = await nexgate.ask("POST", "/v1/keys", {"name": "made", name: value})
    changed = await nexgate.ask("PATCH", f"/v1/keys/{MANAGER_ID}", {name: value})
    assert [refusal(answer) for answer in (created, changed)] == [(400, code, name)] * 2
    assert (await nexgate.ask("GET", "/v1/keys")).json() == before


@pytest.mark.parametrize(
    "text", ["10.0.0.0/33", "300.0.0.1", "::ffff:10.0.0.0/104", "fe80::1%eth0", "localhost", "", "10.0.0.1\n"]
)
async def test_what_is_no_address_range_is_refused_by_its_place(nexgate: AppUnderTest, text: str) -> None:
    answer = await nexgate.ask("POST", "/v1/keys", {"name": "made", "allowed_ips": ["10.0.0.0/8", text]})
    assert refusal(answer) == (400, VALUE, "allowed_ips[1]")


@pytest.mark.parametrize("pattern", ["", "*gpt", "gpt-*-mini", "gpt 4o", "g" * 129, "gpt-4o\n"])
async def test_what_can_name_no_model_is_refused_by_its_place(nexgate: AppUnderTest, pattern: str) -> None:
    answer = await nexgate.ask("POST", "/v1/keys", {"name": "made", "allowed_models": [pattern]})
    assert refusal(answer) == (400, VALUE, "allowed_models[0]")


async def test_a_key_needs_a_name(nexgate: AppUnderTest) -> None:
    assert refusal(await nexgate.ask("POST", "/v1/keys", {})) == (400, "missing_required_parameter", "name")


@pytest.mark.parametrize("name", ["x", "n" * 100, "生产 2026", "👩‍💻"])
async def test_a_name_is_kept_as_it_was_given(nexgate: AppUnderTest, name: str) -> None:
    assert (await nexgate.create(name=name))["key"]["name"] == name


@pytest.mark.parametrize(
    ("given", "kept"),
    [("10.0.0.5/24", "10.0.0.0/24"), ("10.0.0.5", "10.0.0.5/32"), ("2001:DB8::1", "2001:db8::1/128")],
)
async def test_an_address_range_is_kept_in_its_canonical_form(nexgate: AppUnderTest, given: str, kept: str) -> None:
    assert (await nexgate.create(allowed_ips=[given]))["key"]["allowed_ips"] == [kept]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2030-01-31T00:00:00Z", "2030-01-31T00:00:00Z"),
        ("2030-01-31T08:00:00+08:00", "2030-01-31T00:00:00Z"),
        ("2030-01-31T00:00:00", "2030-01-31T00:00:00Z"),
        ("2030-01-31", "2030-01-31T00:00:00Z"),
    ],
)
async def test_an_expiry_is_shown_in_utc(nexgate: AppUnderTest, given: str, kept: str) -> None:
    assert (await nexgate.create(expires_at=given))["key"]["expires_at"] == kept


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (b'"100.00"', "100"),
        (b"100", "100"),
        (b"0", "0"),
        (b"0.1", "0.1"),
        (b"99999999.999999999", "99999999.999999999"),
        (b"1000000000", "1000000000"),
    ],
)
async def test_an_amount_is_taken_exactly_as_it_is_written(nexgate: AppUnderTest, written: bytes, kept: str) -> None:
    body = b'{"name": "made", "monthly_spend_cap_usd": ' + written + b"}"
    answer = await nexgate.ask("POST", "/v1/keys", body, headers={"Content-Type": "application/json"})
    assert answer.json()["key"]["monthly_spend_cap_usd"] == kept


@pytest.mark.parametrize("written", [b"1e2", b"0.10000000000000000555", b"1e-99999999999999999999", b"-0.5"])
async def test_a_number_that_is_no_exact_amount_is_refused(nexgate: AppUnderTest, written: bytes) -> None:
    body = b'{"name": "made", "monthly_spend_cap_usd": ' + written + b"}"
    answer = await nexgate.ask("POST", "/v1/keys", body, headers={"Content-Type": "application/json"})
    assert refusal(answer) == (400, VALUE, "monthly_spend_cap_usd")
