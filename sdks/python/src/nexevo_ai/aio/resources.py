"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._models import Object
from nexevo_ai._request import call_of
from nexevo_ai.types.root import Health

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.root import HealthParams, OpenapiParams

from nexevo_ai.aio.agents import AsyncAgentsResource
from nexevo_ai.aio.audio import AsyncAudioResource
from nexevo_ai.aio.audit import AsyncAuditResource
from nexevo_ai.aio.auth import AsyncAuthResource
from nexevo_ai.aio.billing import AsyncBillingResource
from nexevo_ai.aio.cache import AsyncCacheResource
from nexevo_ai.aio.chat import AsyncChatResource
from nexevo_ai.aio.completions import AsyncCompletionsResource
from nexevo_ai.aio.conversations import AsyncConversationsResource
from nexevo_ai.aio.embeddings import AsyncEmbeddingsResource
from nexevo_ai.aio.feedback import AsyncFeedbackResource
from nexevo_ai.aio.files import AsyncFilesResource
from nexevo_ai.aio.generation import AsyncGenerationResource
from nexevo_ai.aio.images import AsyncImagesResource
from nexevo_ai.aio.jobs import AsyncJobsResource
from nexevo_ai.aio.keys import AsyncKeysResource
from nexevo_ai.aio.mcp_servers import AsyncMcpServersResource
from nexevo_ai.aio.memory import AsyncMemoryResource
from nexevo_ai.aio.messages import AsyncMessagesResource
from nexevo_ai.aio.models import AsyncModelsResource
from nexevo_ai.aio.models3d import AsyncModels3DResource
from nexevo_ai.aio.moderations import AsyncModerationsResource
from nexevo_ai.aio.organizations import AsyncOrganizationsResource
from nexevo_ai.aio.provider_keys import AsyncProviderKeysResource
from nexevo_ai.aio.realtime import AsyncRealtimeResource
from nexevo_ai.aio.rerank import AsyncRerankResource
from nexevo_ai.aio.responses import AsyncResponsesResource
from nexevo_ai.aio.tasks import AsyncTasksResource
from nexevo_ai.aio.videos import AsyncVideosResource
from nexevo_ai.aio.webhooks import AsyncWebhooksResource


class AsyncResources(AsyncResource):
    """All that a client has."""

    @cached_property
    def agents(self) -> AsyncAgentsResource:
        """Methods of `agents`."""
        return AsyncAgentsResource(self._client, form=self._form)

    @cached_property
    def audio(self) -> AsyncAudioResource:
        """Methods of `audio`."""
        return AsyncAudioResource(self._client, form=self._form)

    @cached_property
    def audit(self) -> AsyncAuditResource:
        """Methods of `audit`."""
        return AsyncAuditResource(self._client, form=self._form)

    @cached_property
    def auth(self) -> AsyncAuthResource:
        """Methods of `auth`."""
        return AsyncAuthResource(self._client, form=self._form)

    @cached_property
    def billing(self) -> AsyncBillingResource:
        """Methods of `billing`."""
        return AsyncBillingResource(self._client, form=self._form)

    @cached_property
    def cache(self) -> AsyncCacheResource:
        """Methods of `cache`."""
        return AsyncCacheResource(self._client, form=self._form)

    @cached_property
    def chat(self) -> AsyncChatResource:
        """Methods of `chat`."""
        return AsyncChatResource(self._client, form=self._form)

    @cached_property
    def completions(self) -> AsyncCompletionsResource:
        """Methods of `completions`."""
        return AsyncCompletionsResource(self._client, form=self._form)

    @cached_property
    def conversations(self) -> AsyncConversationsResource:
        """Methods of `conversations`."""
        return AsyncConversationsResource(self._client, form=self._form)

    @cached_property
    def embeddings(self) -> AsyncEmbeddingsResource:
        """Methods of `embeddings`."""
        return AsyncEmbeddingsResource(self._client, form=self._form)

    @cached_property
    def feedback(self) -> AsyncFeedbackResource:
        """Methods of `feedback`."""
        return AsyncFeedbackResource(self._client, form=self._form)

    @cached_property
    def files(self) -> AsyncFilesResource:
        """Methods of `files`."""
        return AsyncFilesResource(self._client, form=self._form)

    @cached_property
    def generation(self) -> AsyncGenerationResource:
        """Methods of `generation`."""
        return AsyncGenerationResource(self._client, form=self._form)

    @cached_property
    def images(self) -> AsyncImagesResource:
        """Methods of `images`."""
        return AsyncImagesResource(self._client, form=self._form)

    @cached_property
    def jobs(self) -> AsyncJobsResource:
        """Methods of `jobs`."""
        return AsyncJobsResource(self._client, form=self._form)

    @cached_property
    def keys(self) -> AsyncKeysResource:
        """Methods of `keys`."""
        return AsyncKeysResource(self._client, form=self._form)

    @cached_property
    def mcp_servers(self) -> AsyncMcpServersResource:
        """Methods of `mcp_servers`."""
        return AsyncMcpServersResource(self._client, form=self._form)

    @cached_property
    def memory(self) -> AsyncMemoryResource:
        """Methods of `memory`."""
        return AsyncMemoryResource(self._client, form=self._form)

    @cached_property
    def messages(self) -> AsyncMessagesResource:
        """Methods of `messages`."""
        return AsyncMessagesResource(self._client, form=self._form)

    @cached_property
    def models(self) -> AsyncModelsResource:
        """Methods of `models`."""
        return AsyncModelsResource(self._client, form=self._form)

    @cached_property
    def models3d(self) -> AsyncModels3DResource:
        """Methods of `models3d`."""
        return AsyncModels3DResource(self._client, form=self._form)

    @cached_property
    def moderations(self) -> AsyncModerationsResource:
        """Methods of `moderations`."""
        return AsyncModerationsResource(self._client, form=self._form)

    @cached_property
    def organizations(self) -> AsyncOrganizationsResource:
        """Methods of `organizations`."""
        return AsyncOrganizationsResource(self._client, form=self._form)

    @cached_property
    def provider_keys(self) -> AsyncProviderKeysResource:
        """Methods of `provider_keys`."""
        return AsyncProviderKeysResource(self._client, form=self._form)

    @cached_property
    def realtime(self) -> AsyncRealtimeResource:
        """Methods of `realtime`."""
        return AsyncRealtimeResource(self._client, form=self._form)

    @cached_property
    def rerank(self) -> AsyncRerankResource:
        """Methods of `rerank`."""
        return AsyncRerankResource(self._client, form=self._form)

    @cached_property
    def responses(self) -> AsyncResponsesResource:
        """Methods of `responses`."""
        return AsyncResponsesResource(self._client, form=self._form)

    @cached_property
    def tasks(self) -> AsyncTasksResource:
        """Methods of `tasks`."""
        return AsyncTasksResource(self._client, form=self._form)

    @cached_property
    def videos(self) -> AsyncVideosResource:
        """Methods of `videos`."""
        return AsyncVideosResource(self._client, form=self._form)

    @cached_property
    def webhooks(self) -> AsyncWebhooksResource:
        """Methods of `webhooks`."""
        return AsyncWebhooksResource(self._client, form=self._form)

    async def health(self, **params: Unpack[HealthParams]) -> Health:
        """Shows that the API answers, and with which version; it reads nothing and needs no key."""
        call = call_of("GET", "/health", {**params}, needs_key=False)
        answer: Health = await self._ask(call, kind=Health)
        return answer

    async def openapi(self, **params: Unpack[OpenapiParams]) -> Object:
        """Serves the document of the whole API, which `make openapi` has written beside this file."""
        call = call_of("GET", "/openapi.json", {**params}, needs_key=False)
        answer: Object = await self._ask(call, kind=Object)
        return answer
