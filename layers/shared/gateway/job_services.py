"""The composition root of what outlives its request. Apart from `bootstrap`, so that a chat does not pay for it.

Like there nothing is opened here, and each function of the template asks only for what it stands on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from gateway.bootstrap import aws_credentials, ground
from gateway.canonical.jobs import Job, JobKind
from gateway.catalog import media
from gateway.jobs.callbacks import Callbacks
from gateway.jobs.canceling import Canceling
from gateway.jobs.changing import JobWriter
from gateway.jobs.closing import Closing
from gateway.jobs.exchange import Exchange
from gateway.jobs.generation import Generation
from gateway.jobs.media_steps import MediaSteps, MediaWork
from gateway.jobs.mirroring import Mirroring
from gateway.jobs.opening import Opening
from gateway.jobs.reconciling import Reconciler
from gateway.jobs.uploads import Uploads
from gateway.jobs.views import job_view
from gateway.ports import Patience
from gateway.providers.media.registry import MEDIA_VENDORS
from gateway.stores.access_tokens import TokenCredentials
from gateway.stores.credentials import SecretCredentials
from gateway.stores.executions_states import StepFunctionsExecutions
from gateway.stores.jobs_dynamodb import DynamoJobs
from gateway.stores.media_s3 import S3MediaObjects
from gateway.stores.media_signer import SecretSigner
from gateway.stores.money_dynamodb import DynamoMoney
from gateway.stores.notices_sqs import SqsNotices
from gateway.stores.webhooks_dynamodb import DynamoWebhookRecords
from gateway.untrusted.fetch import Fetcher
from gateway.untrusted.urls import Policy
from gateway.upstream.provider import HttpUpstream
from gateway.webhooks.batch import tell_batch as tell
from gateway.webhooks.delivering import Deliveries

# The signer's key changes by a deployment only; what signs by the old one ends with it.
SIGNER_TTL_S = 300.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What all of it shares."""

    jobs: DynamoJobs
    writer: JobWriter
    money: DynamoMoney
    closing: Closing
    executions: StepFunctionsExecutions
    objects: S3MediaObjects
    fetcher: Fetcher


@cache
def job_ground() -> Ground:
    """The parts of this process, made once from its environment."""
    chosen, clock, client, aws = ground()
    jobs = DynamoJobs(aws, chosen.jobs_table)
    writer = JobWriter(jobs, clock)
    money = DynamoMoney(aws, chosen.accounts_table, chosen.ledger_table)
    machines = {
        JobKind.VIDEO: chosen.media_state_machine,
        JobKind.MODEL_3D: chosen.media_state_machine,
        JobKind.RESPONSE: chosen.background_state_machine,
    }
    objects = S3MediaObjects(
        client,
        clock,
        aws_credentials(chosen, client, clock),
        SecretSigner(aws, clock, chosen.media_signer_secret, SIGNER_TTL_S),
        region=chosen.region,
        bucket=chosen.media_bucket,
        endpoint=chosen.endpoints.get("s3"),
    )
    return Ground(
        jobs=jobs,
        writer=writer,
        money=money,
        closing=Closing(writer, money, clock),
        executions=StepFunctionsExecutions(aws, machines),
        objects=objects,
        fetcher=Fetcher(Policy(chosen.own_hosts)),
    )


@cache
def exchange() -> Exchange:
    """The way to media providers."""
    chosen, clock, client, aws = ground()
    upstream = HttpUpstream(client)
    secret = SecretCredentials(aws, clock, chosen.providers_secret, chosen.providers_secret_ttl_s)
    patience = Patience(chosen.upstream_connect_s, chosen.upstream_first_byte_s, chosen.upstream_idle_s)
    credentials = TokenCredentials(secret, upstream, clock, patience)
    return Exchange(MEDIA_VENDORS, credentials, upstream, job_ground().objects, clock)


@cache
def media_steps() -> MediaSteps:
    """The steps of media jobs."""
    chosen, clock, _, aws = ground()
    on = job_ground()
    mirroring = Mirroring(on.writer, on.objects, on.fetcher.download, clock)
    notices = SqsNotices(aws, chosen.notices_queue_url)
    return MediaSteps(MediaWork(on.jobs, on.writer, on.closing, on.executions, exchange(), mirroring, notices, clock))


@cache
def opening() -> Opening:
    """How a media job begins."""
    _, clock, _, _ = ground()
    on = job_ground()
    return Opening(on.jobs, on.money, on.executions, clock)


@cache
def reconciler() -> Reconciler:
    """What finds jobs that have lost their executions."""
    _, clock, _, _ = ground()
    on = job_ground()
    return Reconciler(on.jobs, on.executions, opening().withdraw, clock)


@cache
def callbacks() -> Callbacks:
    """What hears of providers' tasks."""
    _, clock, client, _ = ground()
    on = job_ground()
    return Callbacks(on.jobs, on.writer, on.executions, exchange(), HttpUpstream(client), clock)


@cache
def webhook_records() -> DynamoWebhookRecords:
    """Accounts' webhook secrets, and the log of deliveries."""
    chosen, _, _, aws = ground()
    return DynamoWebhookRecords(aws, chosen.webhooks_table)


async def tell_batch(event: dict[str, Any]) -> dict[str, Any]:
    """Tells webhooks what a batch of the queue's messages says; which messages are to come again."""
    chosen, clock, _, aws = ground()
    on = job_ground()

    async def view(job: Job) -> dict[str, Any]:
        return await job_view(job, on.objects, clock.now_s())

    deliveries = Deliveries(on.jobs, on.writer, webhook_records(), on.fetcher, view, clock)
    return await tell(deliveries, SqsNotices(aws, chosen.notices_queue_url), event)


@cache
def generation() -> Generation:
    """What the generation routes stand on."""
    chosen, clock, _, _ = ground()
    on = job_ground()
    return Generation(
        jobs=on.jobs,
        money=on.money,
        objects=on.objects,
        catalog=media.load(),
        uploads=Uploads(on.objects, on.fetcher, clock),
        opening=opening(),
        canceling=Canceling(on.writer, on.closing, on.executions),
        clock=clock,
        simulated_providers=chosen.simulated_providers,
        policy=Policy(chosen.own_hosts),
        public_url=chosen.public_url,
    )
