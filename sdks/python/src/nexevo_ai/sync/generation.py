"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nexevo_ai._request import call_of
from nexevo_ai._sync.answers import SyncPage
from nexevo_ai._sync.conveniences import Resource, UploadsHelpers
from nexevo_ai.types.shared import Model

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.generation import GenerationModelsParams


class GenerationUploadsResource(UploadsHelpers):
    """Methods of `client.generation.uploads`."""


class GenerationResource(Resource):
    """Methods of `client.generation`."""

    @cached_property
    def uploads(self) -> GenerationUploadsResource:
        """Methods of `generation.uploads`."""
        return GenerationUploadsResource(self._client, form=self._form)

    def models(self, **params: Unpack[GenerationModelsParams]) -> SyncPage[Model]:
        """Lists the models and their prices."""
        call = call_of("GET", "/v1/generation/models", {**params})
        answer: SyncPage[Model] = self._ask(call, element=Model)
        return answer
