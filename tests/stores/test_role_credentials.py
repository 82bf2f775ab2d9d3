"""Tests that a provider row that asks for the function's role is signed with it, and that others stay as they are."""

import pytest

from gateway.ports.upstream import Credential
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.providers.chat import bedrock
from gateway.providers.outgoing import Outgoing
from gateway.stores.aws.role_credentials import RoleCredentials

pytestmark = pytest.mark.anyio

BY_ROLE = {"auth": "role"}


class Rows:
    """`Credentials` with one row."""

    def __init__(self, row: Credential | None) -> None:
        self.row = row

    async def of(self, provider: str) -> Credential | None:
        return self.row if provider == "bedrock" else None


async def found(row: Credential | None, pair: AwsCredentials) -> Credential | None:
    async def role() -> AwsCredentials:
        return pair

    return await RoleCredentials(Rows(row), role, "eu-west-1").of("bedrock")


async def test_a_row_by_role_has_the_functions_key_pair_and_region() -> None:
    made = await found(Credential("", extra=BY_ROLE), AwsCredentials("AKIA", "secret", "token"))
    assert made is not None
    assert made.extra == {
        **BY_ROLE,
        "region": "eu-west-1",
        "access_key_id": "AKIA",
        "secret_access_key": "secret",
        "session_token": "token",
    }


async def test_a_rows_own_region_stays() -> None:
    made = await found(Credential("", extra={**BY_ROLE, "region": "us-west-2"}), AwsCredentials("AKIA", "secret"))
    assert made is not None
    assert (made.extra["region"], "session_token" in made.extra) == ("us-west-2", False)


@pytest.mark.parametrize("row", [None, Credential("key", extra={"region": "us-east-1"})])
async def test_any_other_row_is_left_as_it_is(row: Credential | None) -> None:
    assert await found(row, AwsCredentials("AKIA", "secret")) == row


async def test_bedrock_is_signed_by_the_role_with_its_session() -> None:
    made = await found(Credential("", extra=BY_ROLE), AwsCredentials("AKIA", "secret", "token"))
    assert made is not None
    sent = dict(bedrock.headers(f"{bedrock.base_url(made)}/model/m/converse", Outgoing("m", False, b"{}", made, 1e9)))
    assert sent["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA/20010909/eu-west-1/bedrock/aws4_request")
    assert sent["x-amz-security-token"] == "token"
