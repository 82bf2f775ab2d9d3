"""Builds what all work on video and 3D shares: the media bucket, the queue of webhooks, and downloads."""

from __future__ import annotations

from functools import cache

from gateway.stores.s3.media import S3MediaObjects
from gateway.stores.s3.signer import SecretSigner
from gateway.untrusted.fetch import Fetcher
from gateway.untrusted.urls import Policy
from gateway.wiring.process import process

# The signer's key changes by a deployment only; what signs by the old one ends with it.
SIGNER_TTL_S = 300.0


@cache
def media_objects() -> S3MediaObjects:
    """Files in the media bucket."""
    on = process()
    chosen = on.settings
    return S3MediaObjects(
        on.client,
        on.clock,
        on.credentials,
        SecretSigner(on.aws, on.clock, chosen.media_signer_secret, SIGNER_TTL_S),
        region=chosen.region,
        bucket=chosen.media_bucket,
        endpoint=chosen.endpoints.get("s3"),
    )


@cache
def fetcher() -> Fetcher:
    """Reads addresses that strangers chose."""
    chosen = process().settings
    return Fetcher(Policy(chosen.own_hosts | chosen.own_media_hosts))
