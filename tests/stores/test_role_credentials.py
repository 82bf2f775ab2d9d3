"""Tests that a provider row that asks for the function's role is signed with it, and that others stay as they are."""

import pytest

from gateway.ports.upstream import Credential
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.providers.chat import bedrock
from gateway.providers.outgoing import Outgoing
from gateway.stores.aws.role_credentials import RoleCredentials
from tests.fakes.credentials import MemoryCredentials

pytestmark = pytest.mark.anyio

BY_ROLE = {"auth": "role"}


async def found(row: Credential, pair: AwsCredentials) -> Credential:
    async def role() -> AwsCredentials:
        return pair

    ring = RoleCredentials(MemoryCredentials({"bedrock": row}), role, "eu-west-1")
    (credential,) = await ring.of("bedrock")
    return await ring.ready("bedrock", credential)


async def test_a_row_by_role_has_the_functions_key_pair_and_region() -> None:
    made = await found(Credential("", extra=BY_ROLE), AwsCredentials("AKIA", "secret", "token"))
    assert made.extra == {
        **BY_ROLE,
        "region": "eu-west-1",
        "access_key_id": "AKIA",
        "secret_access_key": "secret",
        "session_token": "token",
    }


async def test_a_rows_own_region_stays() -> None:
    made = await found(Credential("", extra={**BY_ROLE, "region": "us-west-2"}), AwsCredentials("AKIA", "secret"))
    assert (made.extra["region"], "session_token" in made.extra) == ("us-west-2", False)


async def test_any_other_row_is_left_as_it_is() -> None:
    row = Credential("key", extra={"region": "us-east-1"})
    assert await found(row, AwsCredentials("AKIA", "secret")) == row


async def test_bedrock_is_signed_by_the_role_with_its_session() -> None:
    made = await found(Credential("", extra=BY_ROLE), AwsCredentials("AKIA", "secret", "token"))
    sent = dict(bedrock.headers(f"{bedrock.base_url(made)}/model/m/converse", Outgoing("m", False, b"{}", made, 1e9)))
    assert sent["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA/20010909/eu-west-1/bedrock/aws4_request")
    assert sent["x-amz-security-token"] == "token"
