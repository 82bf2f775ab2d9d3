"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nexevo_ai._async.answers import AsyncPage
from nexevo_ai._async.conveniences import AsyncResource, AsyncUploadsHelpers
from nexevo_ai._deferred import deferred  # async only
from nexevo_ai._request import call_of
from nexevo_ai.types.shared import Model

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.generation import GenerationModelsParams


class AsyncGenerationUploadsResource(AsyncUploadsHelpers):
    """Methods of `client.generation.uploads`."""


class AsyncGenerationResource(AsyncResource):
    """Methods of `client.generation`."""

    @cached_property
    def uploads(self) -> AsyncGenerationUploadsResource:
        """Methods of `generation.uploads`."""
        return AsyncGenerationUploadsResource(self._client, form=self._form)

    @deferred  # async only
    async def models(self, **params: Unpack[GenerationModelsParams]) -> AsyncPage[Model]:
        """Lists the models and their prices."""
        call = call_of("GET", "/v1/generation/models", {**params})
        answer: AsyncPage[Model] = await self._ask(call, element=Model)
        return answer
