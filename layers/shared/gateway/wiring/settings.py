"""The only reader of the environment. Lambda's own variables and the template's, once, at composition.

A field of `Settings` is read from the variable of its own name in capitals, by its type. One that is not set, or empty,
has its default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from gateway.limits.windows import READS_RPM
from gateway.providers.auth.sigv4 import AwsCredentials

ENDPOINT_VARIABLES = {
    "dynamodb": "AWS_ENDPOINT_URL_DYNAMODB",
    "email": "AWS_ENDPOINT_URL_SESV2",
    "execute-api": "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI",
    "kms": "AWS_ENDPOINT_URL_KMS",
    "lambda": "AWS_ENDPOINT_URL_LAMBDA",
    "monitoring": "AWS_ENDPOINT_URL_CLOUDWATCH",
    "s3": "AWS_ENDPOINT_URL_S3",
    "secretsmanager": "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "sqs": "AWS_ENDPOINT_URL_SQS",
    "states": "AWS_ENDPOINT_URL_SFN",
}

# The variables of the fields that are not read from their own name in capitals.
VARIABLES = {
    "concurrency": "AWS_LAMBDA_MAX_CONCURRENCY",
    "container_credentials_token": "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "container_credentials_url": "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "function_name": "AWS_LAMBDA_FUNCTION_NAME",
    "memory_mb": "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "reads_rpm": "READS_PER_MINUTE",
}

NOTHING: Mapping[str, str] = MappingProxyType({})


class Settings(Struct, frozen=True):
    """The settings of one deployment. Durations are seconds; `endpoints` holds only services that are not AWS's own.

    `own_hosts` are an operator's own machines among the addresses that users and providers name: none in AWS.
    `aws_calls_log` is a file in which a local stack has its AWS calls written down: none in AWS.
    `provider_urls` are addresses that stand in for providers' own where an account's key of them is used: none in AWS.
    `concurrency` is how many requests the process serves at a time: several on a managed instance.
    `public_url` is what the gateway's own paths begin with, where API Gateway does not say it.

    `commit_s` is both the silence after which a stream's status is committed and the pause between keep-alives.
    """

    region: str
    aws_credentials: AwsCredentials | None
    endpoints: Mapping[str, str]
    container_credentials_url: str | None = None
    container_credentials_token: str | None = None
    keys_table: str = ""
    accounts_table: str = ""
    ledger_table: str = ""
    idempotency_table: str = ""
    signatures_table: str = ""
    responses_table: str = ""
    responses_bucket: str = ""
    answers_bucket: str = ""
    providers_secret: str = ""
    callbacks_secret: str = ""
    settlements_queue_url: str = ""
    provider_keys_table: str = ""
    provider_keys_key: str = ""
    health_table: str = ""
    hedged_models: frozenset[str] = frozenset()
    hedge_share: float = 0.02
    hedge_price_max_usd: float = 20.0
    jobs_table: str = ""
    webhooks_table: str = ""
    files_table: str = ""
    media_bucket: str = ""
    media_signer_secret: str = ""
    media_state_machine: str = ""
    background_state_machine: str = ""
    agents_state_machine: str = ""
    erasures_state_machine: str = ""
    memories_table: str = ""
    feedback_table: str = ""
    cache_table: str = ""
    cache_embedding: str = "text-embedding-3-small"
    cache_checked_share: float = 0.05
    learned_routes: bool = False
    sandbox_function: str = ""
    sockets_table: str = ""
    sockets_function: str = ""
    mailboxes: str = ""
    socket_run_s: float = 900.0
    console_functions: Mapping[str, str] = NOTHING
    operators: frozenset[str] = frozenset()
    web_search: str = ""
    notices_queue_url: str = ""
    catalog_table: str = ""
    people_table: str = ""
    mail_identity: str = ""
    registration: str = "closed"
    starting_credit_usd: str = "0"
    console_url: str = ""
    billing_secret: str = ""
    stripe_api_base: str = ""
    simulated_providers: frozenset[str] = frozenset()
    own_hosts: frozenset[str] = frozenset()
    own_media_hosts: frozenset[str] = frozenset()
    provider_urls: Mapping[str, str] = NOTHING
    public_url: str | None = None
    aws_calls_log: str = ""
    function_name: str = ""
    memory_mb: int = 256
    concurrency: int = 1
    reads_rpm: int = READS_RPM
    providers_secret_ttl_s: float = 300.0
    commit_s: float = 0.3
    non_stream_s: float = 120.0
    stream_margin_s: float = 10.0
    upstream_connect_s: float = 5.0
    upstream_first_byte_s: float = 300.0
    upstream_idle_s: float = 300.0


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process; a missing table name shows where the table is first used."""
    env = os.environ if environment is None else environment
    computed: dict[str, Any] = {
        "region": env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1",
        "aws_credentials": _static_credentials(env),
        "endpoints": _endpoints(env),
        "operators": _names(env.get("OPERATORS", "").lower()),
    }
    read = (name for name in Settings.__struct_fields__ if name not in computed)
    texts = {name: env.get(VARIABLES.get(name) or name.upper()) for name in read}
    given = {name: READERS[Settings.__annotations__[name]](text) for name, text in texts.items() if text}
    return Settings(**computed, **given)


def stack_name(environment: Mapping[str, str] | None = None) -> str:
    """The stack that this process belongs to, by which its metrics are told from another stack's."""
    env = os.environ if environment is None else environment
    return env.get("STACK_NAME", "")


def snap_start(environment: Mapping[str, str] | None = None) -> bool:
    """True where this process is started for SnapStart: it goes on in copies of itself."""
    env = os.environ if environment is None else environment
    return env.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def cors_origins(environment: Mapping[str, str] | None = None) -> frozenset[str]:
    """The origins whose pages may call the API."""
    env = os.environ if environment is None else environment
    return _names(env.get("CORS_ORIGINS", ""))


def _endpoints(env: Mapping[str, str]) -> dict[str, str]:
    """The services' addresses that are not of AWS's own form; each WebSocket API has one of its own."""
    given = {"execute-api": env.get("SOCKETS_ENDPOINT", "")}
    given |= {service: env[variable] for service, variable in ENDPOINT_VARIABLES.items() if env.get(variable)}
    return {service: endpoint for service, endpoint in given.items() if endpoint}


def _names(text: str) -> frozenset[str]:
    return frozenset(filter(None, map(str.strip, text.split(","))))


def _pairs(text: str) -> Mapping[str, str]:
    """Reads `name=value` pairs with commas between."""
    return dict(pair.split("=", 1) for pair in sorted(_names(text)))


READERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "str": str,
        "str | None": str,
        "int": int,
        "float": float,
        "bool": lambda text: text == "true",
        "frozenset[str]": _names,
        "Mapping[str, str]": _pairs,
    }
)


def _static_credentials(env: Mapping[str, str]) -> AwsCredentials | None:
    if not env.get("AWS_ACCESS_KEY_ID"):
        return None
    return AwsCredentials(
        access_key_id=env["AWS_ACCESS_KEY_ID"],
        secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        session_token=env.get("AWS_SESSION_TOKEN") or None,
    )
