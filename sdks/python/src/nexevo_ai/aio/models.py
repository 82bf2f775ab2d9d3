"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._async.answers import AsyncPage
from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._deferred import deferred  # async only
from nexevo_ai._request import call_of, path_part
from nexevo_ai.types.shared import Model

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.models import ModelsGetParams, ModelsListParams


class AsyncModelsResource(AsyncResource):
    """Methods of `client.models`."""

    @deferred  # async only
    async def list(self, **params: Unpack[ModelsListParams]) -> AsyncPage[Model]:
        """Lists the models that the key may use and reach."""
        call = call_of("GET", "/v1/models", {**params})
        answer: AsyncPage[Model] = await self._ask(call, element=Model)
        return answer

    async def get(self, model_id: str, **params: Unpack[ModelsGetParams]) -> Model:
        """Shows a model; its id may hold slashes."""
        call = call_of("GET", f"/v1/models/{path_part(model_id, slashes=True)}", {**params})
        answer: Model = await self._ask(call, kind=Model)
        return answer
