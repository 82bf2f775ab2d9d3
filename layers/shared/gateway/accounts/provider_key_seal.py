"""Seals an account's key of a provider under a data key of KMS, bound to the account, the provider and the key's id.

The account and the provider are KMS's encryption context, so that the data key is unwrapped for them alone; they and
the id are authenticated with the text too. An item that is moved to another account, provider or id does not open.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import orjson

from gateway.accounts.sealing import SealBroken, sealed, unsealed
from gateway.ports.provider_keys import DataKeys, Envelope, ProviderKey
from gateway.ports.upstream import Credential

# KMS writes the context to CloudTrail, so it has names and no secrets.
ACCOUNT, PROVIDER = "account_id", "provider"


async def sealed_credential(
    credential: Credential, data_keys: DataKeys, *, account_id: str, provider: str, key_id: str
) -> Envelope:
    """Seals a credential under a data key of its own."""
    data_key = await data_keys.new(_kms_context(account_id, provider))
    text = orjson.dumps({"api_key": credential.api_key, "extra": dict(credential.extra)})
    envelope = sealed(text, data_key.plain.hex(), _place(account_id, provider, key_id))
    return Envelope(data_key.wrapped, base64.b64encode(envelope).decode())


async def opened_credential(key: ProviderKey, data_keys: DataKeys) -> Credential:
    """Opens the credential of a key; raises `SealBroken` if it was changed or moved."""
    plain = await data_keys.unwrapped(key.envelope.wrapped_key, _kms_context(key.account_id, key.provider))
    try:
        envelope = base64.b64decode(key.envelope.text, validate=True)
    except binascii.Error:
        raise SealBroken("the sealed text is not base64") from None
    text = unsealed(envelope, plain.hex(), _place(key.account_id, key.provider, key.key_id))
    members = orjson.loads(text)
    return Credential(members["api_key"], extra=members["extra"], id=key.key_id)


def _kms_context(account_id: str, provider: str) -> Mapping[str, str]:
    return {ACCOUNT: account_id, PROVIDER: provider}


def _place(account_id: str, provider: str, key_id: str) -> str:
    """The place of a sealed text. JSON keeps its parts apart, so that no two places read the same."""
    return orjson.dumps(["provider key", account_id, provider, key_id]).decode()
