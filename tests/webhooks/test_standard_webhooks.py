"""Tests of Standard Webhooks signatures: the specification's own vector, accepted and refused ones.

The vector is the one that the specification's reference libraries share:
https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries.
"""

import pytest

from gateway.errors import AuthenticationFailed
from gateway.providers.auth.standard_webhooks import signed, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ANOTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT_S = 1_614_265_330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HEADERS = {"webhook-id": ID, "webhook-timestamp": str(AT_S), "webhook-signature": SIGNATURE}


def test_the_signature_is_that_of_the_specifications_vector() -> None:
    assert signed([SECRET], ID, AT_S, BODY) == HEADERS


def test_a_secret_may_come_without_its_prefix() -> None:
    assert signed([SECRET.removeprefix("whsec_")], ID, AT_S, BODY) == HEADERS


def test_each_secret_signs_in_its_order() -> None:
    own = signed([ANOTHER], ID, AT_S, BODY)["webhook-signature"]
    assert signed([SECRET, ANOTHER], ID, AT_S, BODY)["webhook-signature"] == f"{SIGNATURE} {own}"


@pytest.mark.parametrize("secret", [SECRET, ANOTHER])
def test_a_receiver_that_knows_one_of_the_secrets_can_verify(secret: str) -> None:
    verify(secret, signed([SECRET, ANOTHER], ID, AT_S, BODY), BODY, AT_S)


@pytest.mark.parametrize("late_s", [-300, 0, 300])
def test_a_delivery_is_good_for_five_minutes_either_way(late_s: int) -> None:
    verify(SECRET, HEADERS, BODY, AT_S + late_s)


def test_signatures_of_other_versions_are_passed_over() -> None:
    several = {**HEADERS, "webhook-signature": f"v1a,{SIGNATURE[3:]} v1,AAAA {SIGNATURE}"}
    verify(SECRET, several, BODY, AT_S)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(AT_S + 1)},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "\u0661"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-signature": ""},
        {"webhook-signature": SIGNATURE.removeprefix("v1,")},
        {"webhook-signature": SIGNATURE.replace("v1", "v2")},
        {"webhook-signature": SIGNATURE.lower()},
        {"webhook-signature": "v1,\u00e9"},
    ],
    ids=str,
)
def test_a_changed_header_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed):
        verify(SECRET, HEADERS | changed, BODY, AT_S)


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(AuthenticationFailed):
        verify(SECRET, HEADERS, BODY + b" ", AT_S)


@pytest.mark.parametrize("late_s", [-301, 301])
def test_an_old_or_future_delivery_is_refused(late_s: int) -> None:
    with pytest.raises(AuthenticationFailed):
        verify(SECRET, HEADERS, BODY, AT_S + late_s)


@pytest.mark.parametrize("secret", ["whsec_", "", "whsec_not base64", "whsec_MfK"])
def test_a_secret_that_protects_nothing_is_refused_where_it_is_used(secret: str) -> None:
    with pytest.raises(ValueError, match="webhook secret"):
        verify(secret, HEADERS, BODY, AT_S)
