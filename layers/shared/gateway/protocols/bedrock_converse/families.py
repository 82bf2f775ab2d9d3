"""Lists the parameters of the vendors' models on Bedrock besides Converse's own, a row per family.

Converse hands `additionalModelRequestFields` to the model as they are, so their names are the vendor's:
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html. What a family may be sent at all is in
https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct


class Family(Struct, frozen=True):
    """One vendor's manner.

    `top_k` and `effort` give the family's own fields; `caches` and `caches_tools` say where a cache point may stand,
    `lifetimes` whether it may name one; `failed_results` whether a tool's result may say that it failed; `one_call` the
    fields that ask for one call at a time; `tells_stop` whether it tells the sequence that stopped it; `thinks_freely`
    whether thinking goes with forced tools and chosen sampling; `draws_freely` whether temperature goes with top_p.
    """

    top_k: Callable[[int], dict[str, Any]] | None = None
    effort: Callable[[str], dict[str, Any]] | None = None
    caches: bool = False
    caches_tools: bool = False
    lifetimes: bool = False
    failed_results: bool = False
    one_call: Mapping[str, Any] | None = None
    tells_stop: bool = False
    thinks_freely: bool = True
    draws_freely: bool = True


FAMILIES: Mapping[str, Family] = {
    "plain": Family(),
    "claude": Family(
        top_k=lambda count: {"top_k": count},
        caches=True,
        caches_tools=True,
        lifetimes=True,
        failed_results=True,
        one_call={"disable_parallel_tool_use": True},
        tells_stop=True,
        thinks_freely=False,
        draws_freely=False,
    ),
    "nova": Family(
        top_k=lambda count: {"inferenceConfig": {"topK": count}},
        effort=lambda word: {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": word}},
        caches=True,
        failed_results=True,
    ),
    "gpt_oss": Family(effort=lambda word: {"reasoning_effort": word}),
}
