"""Builds what stores customers' files and reads those that requests name."""

from __future__ import annotations

from functools import cache

from gateway.files.inputs import MediaInputs
from gateway.files.kept import Files
from gateway.files.uploads import Uploads
from gateway.stores.files import DynamoFileRecords
from gateway.wiring.media import fetcher, media_objects
from gateway.wiring.process import process


@cache
def media_inputs() -> MediaInputs:
    """Reads the files that requests name in their media fields."""
    return MediaInputs(media_objects(), fetcher(), process().clock)


@cache
def files() -> Files:
    """Accounts' files, with their records."""
    on = process()
    return Files(media_objects(), DynamoFileRecords(on.aws, on.settings.files_table), on.clock)


@cache
def uploads() -> Uploads:
    """Customers' files."""
    return Uploads(media_objects(), media_inputs(), process().clock)
