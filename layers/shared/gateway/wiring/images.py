"""Builds pictures."""

from __future__ import annotations

from functools import cache

from gateway.catalog.images import IMAGE_MODELS
from gateway.catalog.live import LiveCatalog
from gateway.operations.images import ImagesOperation, Studio
from gateway.protocols.openai_images import OpenAIImages
from gateway.providers.images.registry import KNOWN
from gateway.wiring.following import follow

# Read when the process starts, where CPU is plenty.
CATALOG = follow(LiveCatalog(IMAGE_MODELS, KNOWN))


def images(wire: OpenAIImages) -> ImagesOperation:
    """Pictures for callers of one of the wire's paths."""
    return ImagesOperation(wire, CATALOG, studio)


@cache
def studio() -> Studio:
    """Further requests to vendors, and the media bucket."""
    from gateway.operations.image_files import ImageFiles  # noqa: PLC0415  # no cold start pays for it
    from gateway.wiring.files import media_inputs  # noqa: PLC0415  # likewise
    from gateway.wiring.media import fetcher, media_objects  # noqa: PLC0415  # likewise
    from gateway.wiring.process import process  # noqa: PLC0415  # likewise
    from gateway.wiring.providers import provider_client  # noqa: PLC0415  # likewise

    files = ImageFiles(media_objects(), media_inputs(), fetcher().download, process().clock)
    return Studio(provider_client().ask, files)
