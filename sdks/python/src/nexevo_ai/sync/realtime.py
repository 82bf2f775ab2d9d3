"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nexevo_ai._request import call_of
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai.types.realtime import ClientSecret

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.realtime import RealtimeClientSecretsCreateParams


class RealtimeClientSecretsResource(Resource):
    """Methods of `client.realtime.client_secrets`."""

    def create(self, session: Mapping[str, Any], **params: Unpack[RealtimeClientSecretsCreateParams]) -> ClientSecret:
        """Mints a secret, whose hold counts as a request."""
        call = call_of(
            "POST",
            "/v1/realtime/client_secrets",
            {"session": session, **params},
            body=("expires_after", "session"),
            is_once=True,
        )
        answer: ClientSecret = self._ask(call, kind=ClientSecret)
        return answer


class RealtimeResource(Resource):
    """Methods of `client.realtime`."""

    @cached_property
    def client_secrets(self) -> RealtimeClientSecretsResource:
        """Methods of `realtime.client_secrets`."""
        return RealtimeClientSecretsResource(self._client, form=self._form)
