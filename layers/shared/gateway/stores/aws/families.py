"""Asks the API's functions by Lambda's Invoke, with the event that API Gateway would send them.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from gateway.errors import ServiceUnavailable
from gateway.framing.percent import encoded
from gateway.stores.aws.client import AwsApi, AwsError

NO_ANSWER = "A part of the gateway does not answer now; try again."

log = logging.getLogger(__name__)


class LambdaFamilies:
    """`Families` by the ARNs of the functions' aliases. `aws` waits as long as a function may run.

    A call is made once: only its caller knows whether a repeat is harmless.
    """

    def __init__(self, aws: AwsApi, functions: Mapping[str, str]) -> None:
        self._aws = aws
        self._functions = functions

    async def ask(self, family: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        path = f"/2015-03-31/functions/{encoded(self._functions[family])}/invocations"
        try:
            told = await self._aws.call("lambda", path, event)
        except AwsError as error:
            raise ServiceUnavailable(NO_ANSWER) from error
        if "statusCode" not in told:
            # The function's own failure, which Lambda tells with status 200.
            log.error("%s failed: %s", family, told.get("errorType"))
            raise ServiceUnavailable(NO_ANSWER)
        return told
