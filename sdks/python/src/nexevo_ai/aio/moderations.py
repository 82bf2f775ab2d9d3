"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Union

from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._request import call_of
from nexevo_ai.types.moderations import Moderation

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.moderations import ModerationsCreateParams


class AsyncModerationsResource(AsyncResource):
    """Methods of `client.moderations`."""

    async def create(self, input: Union[str, Sequence[Any]], **params: Unpack[ModerationsCreateParams]) -> Moderation:
        """Judges texts and pictures."""
        call = call_of(
            "POST",
            "/v1/moderations",
            {"input": input, **params},
            body=("models", "provider", "max_price", "input", "model"),
            is_once=True,
        )
        answer: Moderation = await self._ask(call, kind=Moderation)
        return answer
