"""Reads the alarms of a stack from CloudWatch: one call for each hundred.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.errors import ServiceUnavailable
from gateway.ports.alarms import Alarm
from gateway.stores.aws.client import AwsApi, AwsError, Item

PAGES_MAX = 5
DOWN = "The alarms cannot be read now."
# Behind the stack's name CloudFormation puts the template's, which has no hyphen, and letters of its own. The alarms of
# another stack, whose name begins with this one's and a hyphen, have more parts.
OWN_NAME = re.compile(r"([A-Za-z0-9]+)-[A-Za-z0-9]{8,}")


class CloudWatchAlarms:
    """`Alarms` of the stack of that name."""

    def __init__(self, aws: AwsApi, stack: str) -> None:
        self._aws = aws
        self._prefix = f"{stack}-"

    async def read(self) -> Sequence[Alarm]:
        asked: Item = {"AlarmNamePrefix": self._prefix, "AlarmTypes": ["MetricAlarm"], "MaxRecords": 100}
        found: list[Alarm] = []
        for _ in range(PAGES_MAX):
            try:
                page = await self._aws.call("monitoring", "DescribeAlarms", asked)
            except AwsError as error:
                raise ServiceUnavailable(DOWN) from error
            found += filter(None, map(self._alarm, page.get("MetricAlarms", [])))
            if not page.get("NextToken"):
                break
            asked = {**asked, "NextToken": page["NextToken"]}
        return found

    def _alarm(self, told: Item) -> Alarm | None:
        name = OWN_NAME.fullmatch(told["AlarmName"].removeprefix(self._prefix))
        return name and Alarm(
            name=name[1],
            state=told["StateValue"].lower(),
            since_s=int(told.get("StateUpdatedTimestamp", 0)),
            description=told.get("AlarmDescription", ""),
        )
