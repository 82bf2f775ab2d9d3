"""Scans the People table, whose items `people.py` and `organizations.py` describe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from msgspec import convert

from gateway.ports.organizations import Organization
from gateway.ports.people import User
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi
from gateway.stores.aws.table import Table
from gateway.stores.organizations import ORGANIZATION
from gateway.stores.people import USER


class DynamoDirectory:
    """`Directory` in the table of people."""

    def __init__(self, aws: AwsApi, table: str) -> None:
        self._table = Table(aws, table)

    async def people(self) -> AsyncIterator[User]:
        async for found in self._every(USER):
            yield convert(found, User)

    async def organizations(self) -> AsyncIterator[Organization]:
        async for found in self._every(ORGANIZATION):
            yield convert(found, Organization)

    async def _every(self, kind: str) -> AsyncIterator[Any]:
        """The items of one kind, page after page."""
        scan: dict[str, Any] = {
            "FilterExpression": "sk = :kind",
            "ExpressionAttributeValues": to_item({":kind": kind}),
            "ConsistentRead": True,
        }
        async for item in self._table.every("Scan", scan):
            yield from_item(item)
