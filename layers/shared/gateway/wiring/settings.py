"""The only reader of the environment. Lambda's own variables and the template's, once, at composition."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

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

DURATIONS = {
    "providers_secret_ttl_s": "PROVIDERS_SECRET_TTL_S",
    "commit_s": "COMMIT_S",
    "socket_run_s": "SOCKET_RUN_S",
    "non_stream_s": "NON_STREAM_S",
    "stream_margin_s": "STREAM_MARGIN_S",
    "upstream_connect_s": "UPSTREAM_CONNECT_S",
    "upstream_first_byte_s": "UPSTREAM_FIRST_BYTE_S",
    "upstream_idle_s": "UPSTREAM_IDLE_S",
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
    container_credentials_url: str | None
    container_credentials_token: str | None
    endpoints: Mapping[str, str]
    keys_table: str
    accounts_table: str
    ledger_table: str
    idempotency_table: str
    signatures_table: str
    responses_table: str
    responses_bucket: str
    answers_bucket: str
    providers_secret: str
    callbacks_secret: str
    settlements_queue_url: str
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
    return Settings(
        region=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1",
        aws_credentials=_static_credentials(env),
        container_credentials_url=env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        container_credentials_token=env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        endpoints=_endpoints(env),
        keys_table=env.get("KEYS_TABLE", ""),
        accounts_table=env.get("ACCOUNTS_TABLE", ""),
        ledger_table=env.get("LEDGER_TABLE", ""),
        idempotency_table=env.get("IDEMPOTENCY_TABLE", ""),
        signatures_table=env.get("SIGNATURES_TABLE", ""),
        responses_table=env.get("RESPONSES_TABLE", ""),
        responses_bucket=env.get("RESPONSES_BUCKET", ""),
        answers_bucket=env.get("ANSWERS_BUCKET", ""),
        providers_secret=env.get("PROVIDERS_SECRET", ""),
        callbacks_secret=env.get("CALLBACKS_SECRET", ""),
        settlements_queue_url=env.get("SETTLEMENTS_QUEUE_URL", ""),
        provider_keys_table=env.get("PROVIDER_KEYS_TABLE", ""),
        provider_keys_key=env.get("PROVIDER_KEYS_KEY", ""),
        health_table=env.get("HEALTH_TABLE", ""),
        hedged_models=_names(env.get("HEDGED_MODELS", "")),
        hedge_share=float(env.get("HEDGE_SHARE") or 0.02),
        hedge_price_max_usd=float(env.get("HEDGE_PRICE_MAX_USD") or 20.0),
        jobs_table=env.get("JOBS_TABLE", ""),
        files_table=env.get("FILES_TABLE", ""),
        webhooks_table=env.get("WEBHOOKS_TABLE", ""),
        media_bucket=env.get("MEDIA_BUCKET", ""),
        media_signer_secret=env.get("MEDIA_SIGNER_SECRET", ""),
        media_state_machine=env.get("MEDIA_STATE_MACHINE", ""),
        background_state_machine=env.get("BACKGROUND_STATE_MACHINE", ""),
        agents_state_machine=env.get("AGENTS_STATE_MACHINE", ""),
        erasures_state_machine=env.get("ERASURES_STATE_MACHINE", ""),
        memories_table=env.get("MEMORIES_TABLE", ""),
        feedback_table=env.get("FEEDBACK_TABLE", ""),
        cache_table=env.get("CACHE_TABLE", ""),
        cache_embedding=env.get("CACHE_EMBEDDING") or "text-embedding-3-small",
        cache_checked_share=float(env.get("CACHE_CHECKED_SHARE") or "0.05"),
        learned_routes=env.get("LEARNED_ROUTES") == "true",
        sandbox_function=env.get("SANDBOX_FUNCTION", ""),
        sockets_table=env.get("SOCKETS_TABLE", ""),
        sockets_function=env.get("SOCKETS_FUNCTION", ""),
        mailboxes=env.get("MAILBOXES", ""),
        console_functions=_pairs(env.get("CONSOLE_FUNCTIONS", "")),
        operators=_names(env.get("OPERATORS", "").lower()),
        web_search=env.get("WEB_SEARCH", ""),
        notices_queue_url=env.get("NOTICES_QUEUE_URL", ""),
        catalog_table=env.get("CATALOG_TABLE", ""),
        people_table=env.get("PEOPLE_TABLE", ""),
        mail_identity=env.get("MAIL_IDENTITY", ""),
        registration=env.get("REGISTRATION") or "closed",
        starting_credit_usd=env.get("STARTING_CREDIT_USD") or "0",
        console_url=env.get("CONSOLE_URL", ""),
        billing_secret=env.get("BILLING_SECRET", ""),
        stripe_api_base=env.get("STRIPE_API_BASE", ""),
        simulated_providers=_names(env.get("SIMULATED_PROVIDERS", "")),
        own_hosts=_names(env.get("OWN_HOSTS", "")),
        own_media_hosts=_names(env.get("OWN_MEDIA_HOSTS", "")),
        provider_urls=_pairs(env.get("PROVIDER_URLS", "")),
        public_url=env.get("PUBLIC_URL") or None,
        aws_calls_log=env.get("AWS_CALLS_LOG", ""),
        function_name=env.get("AWS_LAMBDA_FUNCTION_NAME", ""),
        reads_rpm=int(env.get("READS_PER_MINUTE", READS_RPM)),
        concurrency=int(env.get("AWS_LAMBDA_MAX_CONCURRENCY", "1")),
        memory_mb=int(env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")),
        **{field: float(env[variable]) for field, variable in DURATIONS.items() if env.get(variable)},
    )


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


def _static_credentials(env: Mapping[str, str]) -> AwsCredentials | None:
    if not env.get("AWS_ACCESS_KEY_ID"):
        return None
    return AwsCredentials(
        access_key_id=env["AWS_ACCESS_KEY_ID"],
        secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        session_token=env.get("AWS_SESSION_TOKEN") or None,
    )
