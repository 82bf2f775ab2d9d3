"""How Bedrock is reached: a host per region, and requests that are signed, or that carry a Bedrock API key.

https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html. The credential's `extra` holds `region` and, where
requests are to be signed, `access_key_id`, `secret_access_key` and, with temporary credentials, `session_token`; with
an access key the API key is not looked at.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway.framing.sigv4 import AwsCredentials, Scope, signed_headers
from gateway.ports import Credential
from gateway.providers.outgoing import Headers, Outgoing, setting

_SERVICE = "bedrock"
# The client writes the Host field from the origin, without the scheme's own port.
_OWN_PORTS = {"http": ":80", "https": ":443"}


def base_url(credential: Credential) -> str:
    """The endpoint of the account's region."""
    return f"https://bedrock-runtime.{setting(credential, 'region')}.amazonaws.com"


def headers(url: str, outgoing: Outgoing) -> Headers:
    """A signature over this very request, or the key as a bearer token."""
    credential = outgoing.credential
    if "access_key_id" not in credential.extra:
        return (("authorization", f"Bearer {credential.api_key}"),)
    address = urlsplit(url)
    host = address.netloc.lower().removesuffix(_OWN_PORTS[address.scheme])
    keys = AwsCredentials(
        credential.extra["access_key_id"],
        setting(credential, "secret_access_key"),
        credential.extra.get("session_token"),
    )
    scope = Scope(setting(credential, "region"), _SERVICE)
    signed = signed_headers("POST", address.path, {"host": host}, outgoing.body, keys, scope, outgoing.now_s)
    return tuple((name, value) for name, value in signed.items() if name != "host")
