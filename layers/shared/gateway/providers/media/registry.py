"""Who makes media: a vendor's row by the name under which this deployment keeps the account."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.providers.media.dashscope import DASHSCOPE
from gateway.providers.media.fal import FAL
from gateway.providers.media.kling import KLING
from gateway.providers.media.luma import LUMA
from gateway.providers.media.meshy import MESHY
from gateway.providers.media.replicate import REPLICATE
from gateway.providers.media.runway import RUNWAY
from gateway.providers.media.tencent import TENCENT
from gateway.providers.media.vendor import MediaVendor
from gateway.providers.media.veo import GEMINI, VERTEX
from gateway.providers.media.xai import XAI

MEDIA_VENDORS: Mapping[str, MediaVendor] = {
    row.name: row for row in (GEMINI, VERTEX, DASHSCOPE, RUNWAY, LUMA, XAI, REPLICATE, FAL, KLING, MESHY, TENCENT)
}
