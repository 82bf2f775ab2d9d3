"""Builds the eraser: the stores that keep content by account, in the order in which it is erased."""

from __future__ import annotations

from functools import cache

from gateway.people.erasing import Erasing
from gateway.stores.erasing import PREFIXES, TABLES, ErasedPrefix, ErasedTable
from gateway.stores.s3.listed import S3Listed
from gateway.wiring.process import process


@cache
def erasing() -> Erasing:
    """The erasure over what this process's settings name."""
    on, chosen = process(), process().settings

    @cache
    def listed(setting: str) -> S3Listed:
        return S3Listed(
            on.client,
            on.clock,
            on.credentials,
            region=chosen.region,
            bucket=getattr(chosen, setting),
            endpoint=chosen.endpoints.get("s3"),
        )

    tables = [ErasedTable(on.aws, getattr(chosen, kept.setting), kept, listed(kept.bucket)) for kept in TABLES]
    return Erasing((*tables, *(ErasedPrefix(listed("media_bucket"), prefix) for prefix in PREFIXES)), on.clock)
