"""Builds the engine that runs agents and tasks, with every family that they may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from msgspec import Struct

from gateway.agents.calls import Caller, PipelineCalls
from gateway.agents.engine import Engine
from gateway.agents.journal import Journals
from gateway.agents.tools.run import ToolRunner
from gateway.agents.tools.tool import Outside
from gateway.canonical.jobs import Job
from gateway.pipeline.operation import Operation
from gateway.pipeline.readmission import Readmission
from gateway.protocols.openai_chat import CLIENT
from gateway.stores.aws.client import AwsApi
from gateway.stores.aws.provider_credentials import SecretCredentials
from gateway.stores.aws.sandbox import LambdaSandbox
from gateway.stores.memories import DynamoMemories
from gateway.transport import Timeouts
from gateway.upstream.provider import HttpUpstream
from gateway.upstream.searches import VendorSearches
from gateway.wiring.accounts import keys
from gateway.wiring.agent_tools import LazyMcp, own_search
from gateway.wiring.chat import chat
from gateway.wiring.job_stores import jobs, writer
from gateway.wiring.money import notices
from gateway.wiring.objects import bucket_objects
from gateway.wiring.process import Process, process
from gateway.wiring.providers import OWN_KEYS
from gateway.wiring.streaming import services

# The function's own time, and a little more.
SANDBOX_TIMEOUTS = Timeouts(connect_s=1.0, first_byte_s=32.0, idle_s=2.0)


def _embeddings() -> Operation[Any, Any]:
    from gateway.protocols.openai_embeddings import CLIENT as WIRE  # noqa: PLC0415  # runs that search documents
    from gateway.wiring.embeddings import embeddings  # noqa: PLC0415  # likewise

    return embeddings(WIRE)


def _rerank() -> Operation[Any, Any]:
    from gateway.protocols.rerank import CLIENT as WIRE  # noqa: PLC0415  # runs that search documents
    from gateway.wiring.rerank import rerank  # noqa: PLC0415  # likewise

    return rerank(WIRE)


def _images() -> Operation[Any, Any]:
    from gateway.protocols.openai_images import GENERATIONS  # noqa: PLC0415  # runs that make pictures
    from gateway.wiring.images import images  # noqa: PLC0415  # likewise

    return images(GENERATIONS)


def _messages() -> Operation[Any, Any]:
    from gateway.protocols.anthropic_messages import CLIENT as WIRE  # noqa: PLC0415  # runs that search by their model

    return chat(WIRE)


def _responses() -> Operation[Any, Any]:
    from gateway.protocols.openai_responses import CLIENT as WIRE  # noqa: PLC0415  # runs that search by their model

    return chat(WIRE)


FAMILIES: Mapping[str, Callable[[], Operation[Any, Any]]] = {
    "chat": partial(chat, CLIENT),
    "embeddings": _embeddings,
    "rerank": _rerank,
    "images": _images,
    "messages": _messages,
    "responses": _responses,
}


class KeysModels(Struct, frozen=True):
    """`ModelRows` of the key that a run was asked with."""

    caller: Caller

    async def rows(self) -> Sequence[Mapping[str, Any]]:
        """Implements `ModelRows.rows`."""
        from gateway.catalog.listing import OPENAI  # noqa: PLC0415  # runs that list models
        from gateway.wiring.models import model_list  # noqa: PLC0415  # likewise

        principal = await self.caller()
        return [row for model, row in model_list().rows(OPENAI) if principal.may_see((model.id,), model.targets)]


def _caller(job: Job) -> Caller:
    return partial(_readmission().principal, job.account_id, job.order)


@cache
def _readmission() -> Readmission:
    on = services()
    return Readmission(keys(), on.money, on.clock, OWN_KEYS)


def _calls(job: Job, deadline_s: float) -> PipelineCalls:
    on = services()
    return PipelineCalls(
        run_id=job.job_id,
        caller=_caller(job),
        deadline_s=deadline_s,
        operations=lambda family: FAMILIES[family](),
        pipeline=on.pipeline,
        idempotency=on.idempotency,
        money=on.money,
        clock=on.clock,
    )


def _sandbox(on: Process) -> LambdaSandbox:
    """The sandbox, whose answer takes as long as a program runs."""
    chosen = on.settings
    aws = AwsApi(on.client, on.clock, on.credentials, chosen.region, chosen.endpoints, SANDBOX_TIMEOUTS)
    return LambdaSandbox(aws, chosen.sandbox_function)


def _searches(on: Process) -> VendorSearches | None:
    """The operator's search API, where the deployment names one."""
    chosen = on.settings
    if not chosen.web_search:
        return None
    credentials = SecretCredentials(on.aws, on.clock, chosen.providers_secret, chosen.providers_secret_ttl_s)
    return VendorSearches(chosen.web_search, credentials, HttpUpstream(on.client, on.clock))


@cache
def engine() -> Engine:
    """Runs agents and tasks."""
    on = process()
    objects = bucket_objects(on.settings.responses_bucket)
    memories = DynamoMemories(on.aws, on.settings.memories_table)
    runner = ToolRunner(
        memories,
        lambda job: KeysModels(_caller(job)),
        on.clock,
        Outside(_sandbox(on), _searches(on), own_search, LazyMcp()),
    )
    return Engine(jobs(), writer(), Journals(jobs(), writer(), objects), _calls, runner, notices(), on.clock)
