"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nexevo_ai._models import Object
from nexevo_ai._request import call_of
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai.types.root import Health

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.root import HealthParams, OpenapiParams

from nexevo_ai.sync.agents import AgentsResource
from nexevo_ai.sync.audio import AudioResource
from nexevo_ai.sync.audit import AuditResource
from nexevo_ai.sync.auth import AuthResource
from nexevo_ai.sync.billing import BillingResource
from nexevo_ai.sync.cache import CacheResource
from nexevo_ai.sync.chat import ChatResource
from nexevo_ai.sync.completions import CompletionsResource
from nexevo_ai.sync.conversations import ConversationsResource
from nexevo_ai.sync.embeddings import EmbeddingsResource
from nexevo_ai.sync.feedback import FeedbackResource
from nexevo_ai.sync.files import FilesResource
from nexevo_ai.sync.generation import GenerationResource
from nexevo_ai.sync.images import ImagesResource
from nexevo_ai.sync.jobs import JobsResource
from nexevo_ai.sync.keys import KeysResource
from nexevo_ai.sync.mcp_servers import McpServersResource
from nexevo_ai.sync.memory import MemoryResource
from nexevo_ai.sync.messages import MessagesResource
from nexevo_ai.sync.models import ModelsResource
from nexevo_ai.sync.models3d import Models3DResource
from nexevo_ai.sync.moderations import ModerationsResource
from nexevo_ai.sync.organizations import OrganizationsResource
from nexevo_ai.sync.provider_keys import ProviderKeysResource
from nexevo_ai.sync.realtime import RealtimeResource
from nexevo_ai.sync.rerank import RerankResource
from nexevo_ai.sync.responses import ResponsesResource
from nexevo_ai.sync.tasks import TasksResource
from nexevo_ai.sync.videos import VideosResource
from nexevo_ai.sync.webhooks import WebhooksResource


class Resources(Resource):
    """All that a client has."""

    @cached_property
    def agents(self) -> AgentsResource:
        """Methods of `agents`."""
        return AgentsResource(self._client, form=self._form)

    @cached_property
    def audio(self) -> AudioResource:
        """Methods of `audio`."""
        return AudioResource(self._client, form=self._form)

    @cached_property
    def audit(self) -> AuditResource:
        """Methods of `audit`."""
        return AuditResource(self._client, form=self._form)

    @cached_property
    def auth(self) -> AuthResource:
        """Methods of `auth`."""
        return AuthResource(self._client, form=self._form)

    @cached_property
    def billing(self) -> BillingResource:
        """Methods of `billing`."""
        return BillingResource(self._client, form=self._form)

    @cached_property
    def cache(self) -> CacheResource:
        """Methods of `cache`."""
        return CacheResource(self._client, form=self._form)

    @cached_property
    def chat(self) -> ChatResource:
        """Methods of `chat`."""
        return ChatResource(self._client, form=self._form)

    @cached_property
    def completions(self) -> CompletionsResource:
        """Methods of `completions`."""
        return CompletionsResource(self._client, form=self._form)

    @cached_property
    def conversations(self) -> ConversationsResource:
        """Methods of `conversations`."""
        return ConversationsResource(self._client, form=self._form)

    @cached_property
    def embeddings(self) -> EmbeddingsResource:
        """Methods of `embeddings`."""
        return EmbeddingsResource(self._client, form=self._form)

    @cached_property
    def feedback(self) -> FeedbackResource:
        """Methods of `feedback`."""
        return FeedbackResource(self._client, form=self._form)

    @cached_property
    def files(self) -> FilesResource:
        """Methods of `files`."""
        return FilesResource(self._client, form=self._form)

    @cached_property
    def generation(self) -> GenerationResource:
        """Methods of `generation`."""
        return GenerationResource(self._client, form=self._form)

    @cached_property
    def images(self) -> ImagesResource:
        """Methods of `images`."""
        return ImagesResource(self._client, form=self._form)

    @cached_property
    def jobs(self) -> JobsResource:
        """Methods of `jobs`."""
        return JobsResource(self._client, form=self._form)

    @cached_property
    def keys(self) -> KeysResource:
        """Methods of `keys`."""
        return KeysResource(self._client, form=self._form)

    @cached_property
    def mcp_servers(self) -> McpServersResource:
        """Methods of `mcp_servers`."""
        return McpServersResource(self._client, form=self._form)

    @cached_property
    def memory(self) -> MemoryResource:
        """Methods of `memory`."""
        return MemoryResource(self._client, form=self._form)

    @cached_property
    def messages(self) -> MessagesResource:
        """Methods of `messages`."""
        return MessagesResource(self._client, form=self._form)

    @cached_property
    def models(self) -> ModelsResource:
        """Methods of `models`."""
        return ModelsResource(self._client, form=self._form)

    @cached_property
    def models3d(self) -> Models3DResource:
        """Methods of `models3d`."""
        return Models3DResource(self._client, form=self._form)

    @cached_property
    def moderations(self) -> ModerationsResource:
        """Methods of `moderations`."""
        return ModerationsResource(self._client, form=self._form)

    @cached_property
    def organizations(self) -> OrganizationsResource:
        """Methods of `organizations`."""
        return OrganizationsResource(self._client, form=self._form)

    @cached_property
    def provider_keys(self) -> ProviderKeysResource:
        """Methods of `provider_keys`."""
        return ProviderKeysResource(self._client, form=self._form)

    @cached_property
    def realtime(self) -> RealtimeResource:
        """Methods of `realtime`."""
        return RealtimeResource(self._client, form=self._form)

    @cached_property
    def rerank(self) -> RerankResource:
        """Methods of `rerank`."""
        return RerankResource(self._client, form=self._form)

    @cached_property
    def responses(self) -> ResponsesResource:
        """Methods of `responses`."""
        return ResponsesResource(self._client, form=self._form)

    @cached_property
    def tasks(self) -> TasksResource:
        """Methods of `tasks`."""
        return TasksResource(self._client, form=self._form)

    @cached_property
    def videos(self) -> VideosResource:
        """Methods of `videos`."""
        return VideosResource(self._client, form=self._form)

    @cached_property
    def webhooks(self) -> WebhooksResource:
        """Methods of `webhooks`."""
        return WebhooksResource(self._client, form=self._form)

    def health(self, **params: Unpack[HealthParams]) -> Health:
        """Shows that the API answers, and with which version; it reads nothing and needs no key."""
        call = call_of("GET", "/health", {**params}, needs_key=False)
        answer: Health = self._ask(call, kind=Health)
        return answer

    def openapi(self, **params: Unpack[OpenapiParams]) -> Object:
        """Serves the document of the whole API, which `make openapi` has written beside this file."""
        call = call_of("GET", "/openapi.json", {**params}, needs_key=False)
        answer: Object = self._ask(call, kind=Object)
        return answer
