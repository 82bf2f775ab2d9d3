"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._async.conveniences import AsyncModels3dHelpers
from nexevo_ai._request import call_of
from nexevo_ai.types.shared import AcceptedJob

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.models3d import Models3DGenerateParams


class AsyncModels3DResource(AsyncModels3dHelpers):
    """Methods of `client.models3d`."""

    async def generate(self, model: str, **params: Unpack[Models3DGenerateParams]) -> AcceptedJob:
        """Creates a 3D model, asynchronously."""
        call = call_of(
            "POST",
            "/v1/3d/generations",
            {"model": model, **params},
            body=("model", "prompt", "reference_image_url", "output_format", "seed", "webhook_url", "provider"),
            is_once=True,
        )
        answer: AcceptedJob = await self._ask(call, kind=AcceptedJob)
        return answer
