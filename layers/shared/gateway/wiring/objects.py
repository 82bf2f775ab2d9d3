"""Builds the stores of whole objects."""

from __future__ import annotations

from gateway.stores.s3.objects import S3Objects
from gateway.wiring.process import process


def bucket_objects(bucket: str) -> S3Objects:
    """The objects of one bucket."""
    on = process()
    return S3Objects(
        on.client,
        on.clock,
        on.credentials,
        region=on.settings.region,
        bucket=bucket,
        endpoint=on.settings.endpoints.get("s3"),
    )
