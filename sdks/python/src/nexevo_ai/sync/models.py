"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._request import call_of, path_part
from nexevo_ai._sync.answers import SyncPage
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai.types.shared import Model

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.models import ModelsGetParams, ModelsListParams


class ModelsResource(Resource):
    """Methods of `client.models`."""

    def list(self, **params: Unpack[ModelsListParams]) -> SyncPage[Model]:
        """Lists the models that the key may use and reach."""
        call = call_of("GET", "/v1/models", {**params})
        answer: SyncPage[Model] = self._ask(call, element=Model)
        return answer

    def get(self, model_id: str, **params: Unpack[ModelsGetParams]) -> Model:
        """Shows a model; its id may hold slashes."""
        call = call_of("GET", f"/v1/models/{path_part(model_id, slashes=True)}", {**params})
        answer: Model = self._ask(call, kind=Model)
        return answer
