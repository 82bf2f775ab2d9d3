"""Compacts a conversation at the provider that would go on with it, priced by tokens as an answer is."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.chat_models import ChatModel
from gateway.canonical.request import ChatRequest
from gateway.errors import InvalidRequest
from gateway.operations.chat import ChatOperation, provider_of, target_of
from gateway.pipeline.operation import ProviderCall
from gateway.pipeline.provider_client import body_of
from gateway.ports.upstream import Credential
from gateway.routing.plan import Candidate, Plan

NO_COMPACTION = "The model '{}' cannot compact a conversation: send a summary of it, or choose a model of OpenAI's."


class CompactionOperation(ChatOperation):
    """A generation whose answer stands for the conversation before it. Only some providers make one."""

    def plan(self, principal: Principal, request: ChatRequest) -> Plan[ChatModel]:
        """The candidates whose providers compact; raises `InvalidRequest` naming the model where none does."""
        planned = super().plan(principal, request)
        able = tuple(each for each in planned.candidates if provider_of(each, request).compact_path is not None)
        if not able:
            raise InvalidRequest(NO_COMPACTION.format(request.model), param="model", code="unsupported_model")
        return replace(planned, candidates=able)

    def call(
        self,
        request: ChatRequest,
        candidate: Candidate[ChatModel],
        credential: Credential,
        now_s: float,
        *,
        stream: bool,
    ) -> ProviderCall:
        """The conversation for the provider's own compaction."""
        del stream
        provider = provider_of(candidate, request)
        credential = provider.located(credential, candidate.target.region)
        asked = provider.compact_request(request, target_of(candidate), credential, now_s)
        return ProviderCall(asked, body_of, provider.codec.decode_error)
