"""Tests what forms send to the API: every setting of a key, money, members."""

import pytest
from msgspec.structs import replace

from gateway.accounts.key_settings import NewKey
from gateway.console.charts import bars
from gateway.console.forms import as_form, key_settings
from gateway.console.render import usd
from gateway.protocols.shared.body import read_members
from tests.console.harness import SIGNED_IN, Browser
from tests.console.samples import KEY

pytestmark = pytest.mark.anyio

FORM = {
    "name": "prod",
    "monthly_spend_cap_usd": "5.50",
    "rpm_limit": "60",
    "tpm_limit": "",
    "allowed_models": "gpt-4o*\nclaude-*",
    "allowed_ips": "203.0.113.0/24, 198.51.100.7",
    "expires_at": "2030-01-31T10:00",
    "region_policy": "any",
    "can_manage_keys": "1",
}


def test_a_form_has_every_setting_that_the_api_takes() -> None:
    sent = key_settings(FORM)
    assert sent.keys() | {"disabled"} == set(NewKey.__struct_fields__)
    changes = read_members(sent, NewKey).changes()
    assert changes["monthly_spend_cap_nanousd"] == 5_500_000_000
    assert changes["allowed_ips"] == ("203.0.113.0/24", "198.51.100.7/32")
    assert (changes["rpm_limit"], changes["tpm_limit"], changes["can_manage_keys"]) == (60, None, True)


def test_a_number_that_is_none_is_left_for_the_api_to_refuse() -> None:
    sent = key_settings({"rpm_limit": "many", "cache_threshold": "0.9.5"})
    assert (sent["rpm_limit"], sent["cache_threshold"]) == ("many", "0.9.5")


@pytest.mark.parametrize("digits", [19, 400, 5000])
async def test_a_number_that_json_does_not_have_is_refused_and_never_taken_for_no_limit(digits: int) -> None:
    many = "9" * digits
    browser = Browser()
    browser.api.script["POST /v1/keys"] = (400, {"error": {"message": "That is no number.", "code": "invalid_type"}})
    shown = await browser.post("/console/keys/new", {**FORM, "rpm_limit": many, "cache_threshold": many})
    assert shown.status == 400
    assert "That is no number." in shown.text
    sent = key_settings({"rpm_limit": many, "cache_threshold": many})
    assert (sent["rpm_limit"], sent["cache_threshold"]) == (many, many)


def test_a_key_is_shown_in_the_form_as_it_would_be_sent_again() -> None:
    shown = as_form(KEY)
    sent = key_settings(shown)
    assert sent == {name: KEY[name] or None if name != "can_manage_keys" else False for name in sent}


async def test_a_refused_form_is_shown_again_with_what_was_typed() -> None:
    browser = Browser()
    refusal = {"message": "Input should be >= 1", "code": "invalid_value", "param": "rpm_limit"}
    browser.api.script["POST /v1/keys"] = (400, {"error": refusal})
    shown = await browser.post("/console/keys/new", {**FORM, "rpm_limit": "0", "once": "same"})
    assert shown.status == 400
    assert "rpm_limit: Input should be &gt;= 1" in shown.text
    assert 'value="5.50"' in shown.text
    # It is the same request still, so that a lost answer makes no second key.
    assert 'name="once" value="same"' in shown.text


async def test_a_new_key_is_shown_once_and_made_once() -> None:
    browser = Browser()
    shown = await browser.post("/console/keys/new", {**FORM, "once": "n1"})
    assert "sk-xc-secret" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert browser.api.asked[0][1]["multiValueHeaders"]["idempotency-key"] == ["n1"]


async def test_a_rotated_key_has_the_settings_of_the_old_one() -> None:
    browser = Browser()
    await browser.post("/console/keys/key_2/rotate", {"once": "n2"})
    wanted = {
        "name": KEY["name"],
        "monthly_spend_cap_usd": "5",
        "rpm_limit": 60,
        "region_policy": "any",
        "cache": "semantic",
        "cache_threshold": 0.95,
    }
    assert browser.api.sent("/v1/keys") == wanted | {name: KEY[name] for name in ("allowed_ips", "allowed_models")}


@pytest.mark.parametrize(("act", "asked"), [("rotate", "POST /v1/keys"), ("revoke", "DELETE /v1/keys/key_2")])
async def test_a_refused_rotation_or_revocation_shows_the_keys_settings(act: str, asked: str) -> None:
    browser = Browser()
    browser.api.script[asked] = (403, {"error": {"message": "Your role does not allow this.", "code": "not_permitted"}})
    shown = await browser.post(f"/console/keys/key_2/{act}", {"once": "n4"})
    # Saved again as it is shown, the key keeps its limits.
    assert (shown.status, 'name="rpm_limit" type="text" value="60"' in shown.text) == (403, True)


async def test_terms_of_money_are_sent_as_the_api_names_them() -> None:
    browser = Browser()
    terms = {"enabled": "1", "threshold_usd": "5", "auto_amount_usd": "20", "monthly_ceiling_usd": "100"}
    await browser.post("/console/billing/auto-topup", terms)
    expected = {"enabled": True, "threshold_usd": "5", "amount_usd": "20", "monthly_ceiling_usd": "100"}
    assert browser.api.sent("/v1/billing/auto-topup") == expected
    shown = await browser.post("/console/billing/checkout", {"amount_usd": "20", "save": "1", "once": "n3"})
    assert browser.api.sent("/v1/billing/checkout") == {"amount_usd": "20", "save_payment_method": True}
    assert 'href="https://pay.test/c"' in shown.text


async def test_models_are_found_by_text_kind_and_provider_and_show_what_is_billed_on_top() -> None:
    browser = Browser()
    shown = (await browser.get("/console/models?q=GPT&kind=chat&provider=acme")).text
    assert ("gpt-4o</a>" in shown, "gpt-image-1</a>" in shown, "other</a>" in shown) == (True, False, False)
    assert ("input <b>2.5</b>" in shown, "+ 5 %" in shown, "margin" in shown) == (True, True, False)
    assert "No model fits." in (await browser.get("/console/models?q=nothing")).text


async def test_a_member_without_a_cap_is_sent_as_null() -> None:
    browser = Browser(replace(SIGNED_IN, org="org_1"))
    await browser.post("/console/members/user_1", {"role": "admin", "monthly_spend_cap_usd": ""})
    sent = browser.api.sent("/v1/organizations/org_1/members/user_1")
    assert sent == {"role": "admin", "monthly_spend_cap_usd": None}


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "-"),
        ("0", "0.00 USD"),
        ("12.5", "12.50 USD"),
        ("1234.567", "1,234.57 USD"),
        ("-0.0004", "-0.0004 USD"),
        ("0.63", "0.63 USD"),
        ("0.5", "0.50 USD"),
        ("0.0000000012", "1.2E-9 USD"),
    ],
)
def test_an_amount_shows_as_many_places_as_it_needs(amount: str | None, shown: str) -> None:
    assert usd(amount) == shown


def test_a_chart_escapes_its_labels_and_draws_nothing_for_nothing() -> None:
    drawn = str(bars([("<i>", "1"), ("none", "0")]))
    assert "&lt;i&gt;" in drawn
    assert "<i>" not in drawn
    assert 'height="0.0"' in drawn
    assert "<rect" not in bars([])
