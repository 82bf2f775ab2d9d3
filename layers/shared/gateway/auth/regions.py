"""Tells where a target processes requests, as keys' region policies divide the world: China's mainland, and overseas.

Pure. By the addresses that `providers/` has for each vendor: those of Alibaba Cloud and Kling are in Singapore.
"""

from __future__ import annotations

# The policy of keys without one.
ANYWHERE = "any"
_CHINESE = frozenset({"deepseek", "tencent"})
# https://www.tencentcloud.com/document/product/213/6091, and the names of Alibaba's, AWS's and Azure's regions.
_CHINESE_REGIONS = (
    "cn",
    "china",
    "ap-beijing",
    "ap-chengdu",
    "ap-chongqing",
    "ap-guangzhou",
    "ap-nanjing",
    "ap-shanghai",
)


def within(policy: str, provider: str, region: str | None) -> bool:
    """True if a key of this region policy may have its requests processed by a provider, in that region of its."""
    if policy == ANYWHERE:
        return True
    return _is_chinese(provider, region) is (policy == "cn-only")


def _is_chinese(provider: str, region: str | None) -> bool:
    return provider in _CHINESE if region is None else region.startswith(_CHINESE_REGIONS)
