"""Builds the service of the generation routes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.catalog.live import LiveCatalog
from gateway.catalog.media import MEDIA_MODELS
from gateway.jobs.cancel import Canceling
from gateway.jobs.media.service import Generation
from gateway.operations.media import MediaOperation
from gateway.providers.media.registry import KNOWN
from gateway.untrusted.urls import Policy
from gateway.wiring.files import uploads
from gateway.wiring.following import catalog_at, follow
from gateway.wiring.jobs import job_dependencies
from gateway.wiring.media import media_objects
from gateway.wiring.process import process

if TYPE_CHECKING:
    # The list of models alone loads them.
    from gateway.canonical.images import ImageModel
    from gateway.ports.catalog import Catalog

# Read when the process starts, where CPU is plenty.
CATALOG = follow(LiveCatalog(MEDIA_MODELS, KNOWN))


@cache
def generation() -> Generation:
    """The service of the generation routes."""
    on, chosen, clock = job_dependencies(), process().settings, process().clock
    return Generation(
        jobs=on.jobs,
        money=on.money,
        objects=media_objects(),
        catalog=CATALOG,
        pictures=pictures,
        operation=MediaOperation(CATALOG),
        uploads=uploads(),
        opening=on.opening,
        canceling=Canceling(on.writer, on.closing, on.executions),
        clock=clock,
        simulated_providers=chosen.simulated_providers,
        policy=Policy(chosen.own_hosts),
        public_url=chosen.public_url,
    )


async def pictures() -> Catalog[ImageModel]:
    """The models of pictures, under the document by which the others are sold."""
    from gateway.catalog.images import IMAGE_MODELS  # noqa: PLC0415  # no job needs them
    from gateway.providers.images.registry import KNOWN as PAINTERS  # noqa: PLC0415  # likewise

    version = CATALOG.models()[0].sale.price_version
    return await catalog_at(LiveCatalog(IMAGE_MODELS, PAINTERS), version)
