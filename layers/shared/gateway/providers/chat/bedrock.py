"""Builds requests to Bedrock: a host per region, and a signature or a Bedrock API key.

Converse is asked at the runtime's host, OpenAI's two wires at Mantle's, which signs under its own name and knows models
by names of its own: https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html.

https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html. The credential's `extra` holds `region` and, where
requests are to be signed, `access_key_id`, `secret_access_key` and, with temporary credentials, `session_token`; with
an access key the API key is not looked at. A row with `"auth": "role"` gets the pair of the function's own role.
"""

from __future__ import annotations

from gateway.framing.percent import encoded
from gateway.ports.upstream import Credential
from gateway.providers.auth.aws_hosts import aws_host
from gateway.providers.auth.sigv4 import AwsCredentials, Scope, signed_headers
from gateway.providers.outgoing import Headers, Outgoing, setting

_SERVICE = "bedrock"
_MANTLE = "bedrock-mantle"
MANTLE_PATHS = {"openai_chat": "/v1/chat/completions", "openai_responses": "/v1/responses"}
# https://docs.aws.amazon.com/general/latest/gr/bedrock.html
REGIONS = r"[a-z]{2}(-[a-z]+)+-[1-9]"
# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html: a profile is of a geography, by
# the beginnings of its regions' names. The catalog has those of the United States.
_AMERICAN = "us."
_GEOGRAPHIES = {"us-gov-": "us-gov.", "eu-": "eu.", "ap-": "apac."}
# The client writes the Host field from the origin, without the scheme's own port.
_OWN_PORTS = {"http": ":80", "https": ":443"}


def base_url(credential: Credential) -> str:
    """The endpoint of the account's region."""
    return f"https://{aws_host('bedrock-runtime', setting(credential, 'region'))}"


def path(outgoing: Outgoing) -> str:
    """The model's; a profile's id, which may hold `:` and `/`, is one segment of it."""
    return f"/model/{encoded(_profile(outgoing))}/{'converse-stream' if outgoing.stream else 'converse'}"


def invoke_path(outgoing: Outgoing) -> str:
    """The path under which a model is asked in its own vendor's words."""
    return f"/model/{encoded(outgoing.model)}/invoke"


def _profile(outgoing: Outgoing) -> str:
    """The model's id; an inference profile of the United States as the geography of the account's region calls it."""
    if not outgoing.model.startswith(_AMERICAN):
        return outgoing.model
    region = outgoing.credential.extra.get("region", "")
    geography = next((name for begins, name in _GEOGRAPHIES.items() if region.startswith(begins)), _AMERICAN)
    return geography + outgoing.model.removeprefix(_AMERICAN)


def mantle_base_url(credential: Credential) -> str:
    """Mantle's endpoint in the account's region."""
    return f"https://{_MANTLE}.{setting(credential, 'region')}.api.aws"


def headers(url: str, outgoing: Outgoing) -> Headers:
    """A signature over this very request, or the key as a bearer token."""
    return _headers(url, outgoing, _SERVICE)


def mantle_headers(url: str, outgoing: Outgoing) -> Headers:
    """A signature in Mantle's name, or the key as a bearer token."""
    return _headers(url, outgoing, _MANTLE)


def _headers(url: str, outgoing: Outgoing, service: str) -> Headers:
    credential = outgoing.credential
    if "access_key_id" not in credential.extra:
        return (("authorization", f"Bearer {credential.api_key}"),)
    from urllib.parse import urlsplit  # noqa: PLC0415  # no cold start pays for it

    address = urlsplit(url)
    host = address.netloc.lower().removesuffix(_OWN_PORTS[address.scheme])
    keys = AwsCredentials(
        credential.extra["access_key_id"],
        setting(credential, "secret_access_key"),
        credential.extra.get("session_token"),
    )
    scope = Scope(setting(credential, "region"), service)
    signed = signed_headers("POST", address.path, {"host": host}, outgoing.body, keys, scope, outgoing.now_s)
    return tuple((name, value) for name, value in signed.items() if name != "host")
