"""The composition root: the only place where ports meet their implementations. Nothing is opened here; sockets come at
first use, so that a cold start pays for what its first request needs and no more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

from gateway import settings
from gateway.billing import Billing
from gateway.catalog import models
from gateway.catalog.listing import Listed, listed
from gateway.framing.sigv4 import AwsCredentials
from gateway.idempotency import Idempotency
from gateway.pipeline import Corridor, Limits
from gateway.ports import Clock, Keys, KeyStore, Money, Patience
from gateway.settings import Settings
from gateway.signatures import Vault
from gateway.stores.access_tokens import TokenCredentials
from gateway.stores.aws import AwsApi
from gateway.stores.aws_credentials import ContainerCredentials, StaticCredentials
from gateway.stores.credentials import SecretCredentials
from gateway.stores.deferred_sqs import SqsDeferredSettlements
from gateway.stores.idempotency_dynamodb import DynamoIdempotencyRecords
from gateway.stores.key_store import DynamoKeyStore
from gateway.stores.keys import DynamoKeys
from gateway.stores.money_dynamodb import DynamoMoney
from gateway.stores.money_tables import MoneyTables
from gateway.stores.objects_s3 import S3Objects
from gateway.stores.signatures_dynamodb import DynamoSignatures
from gateway.transport import Client, Timeouts
from gateway.upstream.provider import HttpUpstream

AWS_TIMEOUTS = Timeouts(connect_s=1.0, first_byte_s=2.0, idle_s=2.0)


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        """Seconds since the epoch."""
        return time.time_ns() / 1e9

    def monotonic_s(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class ChatServices:
    """What the chat doors stand on."""

    clock: SystemClock
    keys: Keys
    corridor: Corridor
    money: Money
    idempotency: Idempotency
    commit_s: float


@dataclass(frozen=True, slots=True)
class ControlServices:
    """What the control plane stands on."""

    clock: Clock
    keys: Keys
    key_store: KeyStore
    money: Money
    idempotency: Idempotency
    models: tuple[Listed, ...]

    def model(self, name: str) -> Listed | None:
        """The listed model of that id."""
        return next((row for row in self.models if row.id == name), None)


@cache
def control_services() -> ControlServices:
    """The services of this process, made once from its environment."""
    chosen, clock, client, aws = ground()
    return ControlServices(
        clock,
        DynamoKeys(aws, clock, chosen.keys_table),
        DynamoKeyStore(MoneyTables(aws, chosen.accounts_table, chosen.ledger_table), chosen.keys_table),
        DynamoMoney(aws, chosen.accounts_table, chosen.ledger_table),
        idempotency_ring(chosen, aws, client, clock),
        tuple(listed(models.load(), chosen.simulated_providers)),
    )


@cache
def chat_services() -> ChatServices:
    """The services of this process, made once from its environment."""
    chosen, clock, client, aws = ground()
    money = DynamoMoney(aws, chosen.accounts_table, chosen.ledger_table)
    deferred = SqsDeferredSettlements(aws, chosen.settlements_queue_url)
    upstream = HttpUpstream(client)
    patience = Patience(
        connect_s=chosen.upstream_connect_s,
        first_byte_s=chosen.upstream_first_byte_s,
        idle_s=chosen.upstream_idle_s,
    )
    secret = SecretCredentials(aws, clock, chosen.providers_secret, chosen.providers_secret_ttl_s)
    corridor = Corridor(
        catalog=models.load(),
        credentials=TokenCredentials(secret, upstream, clock, patience),
        upstream=upstream,
        billing=Billing(money, deferred, clock),
        vault=Vault(DynamoSignatures(aws, chosen.signatures_table), clock),
        clock=clock,
        limits=Limits(non_stream_s=chosen.non_stream_s, stream_margin_s=chosen.stream_margin_s, patience=patience),
    )
    return ChatServices(
        clock=clock,
        keys=DynamoKeys(aws, clock, chosen.keys_table),
        corridor=corridor,
        money=money,
        idempotency=idempotency_ring(chosen, aws, client, clock),
        commit_s=chosen.commit_s,
    )


@cache
def ground() -> tuple[Settings, SystemClock, Client, AwsApi]:
    """What all services of this process share: settings, clock, connections, AWS."""
    chosen, clock, client = settings.from_environment(), SystemClock(), Client()
    return chosen, clock, client, aws_api(chosen, client, clock)


def idempotency_ring(chosen: Settings, aws: AwsApi, client: Client, clock: SystemClock) -> Idempotency:
    """The ring on the Idempotency table and the answers bucket."""
    records = DynamoIdempotencyRecords(aws, chosen.idempotency_table)
    return Idempotency(records, bucket_objects(chosen, client, clock, chosen.answers_bucket), clock)


def bucket_objects(chosen: Settings, client: Client, clock: SystemClock, bucket: str) -> S3Objects:
    """The objects of one bucket."""
    return S3Objects(
        client,
        clock,
        aws_credentials(chosen, client, clock),
        region=chosen.region,
        bucket=bucket,
        endpoint=chosen.endpoints.get("s3"),
    )


def aws_api(chosen: Settings, client: Client, clock: SystemClock) -> AwsApi:
    """AWS's services as this process may use them."""
    return AwsApi(client, clock, aws_credentials(chosen, client, clock), chosen.region, chosen.endpoints, AWS_TIMEOUTS)


def aws_credentials(chosen: Settings, client: Client, clock: SystemClock) -> StaticCredentials | ContainerCredentials:
    """Lambda gives a key pair for the life of an environment, or, under SnapStart, an endpoint to ask."""
    if chosen.container_credentials_url:
        return ContainerCredentials(client, clock, chosen.container_credentials_url, chosen.container_credentials_token)
    return StaticCredentials(chosen.aws_credentials or AwsCredentials("", ""))
