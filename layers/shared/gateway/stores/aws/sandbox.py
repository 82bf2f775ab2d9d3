"""Runs programs in the template's sandbox function, by Lambda's Invoke.

A program has no effect but its outcome, so a call whose answer is lost is made again.
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import logging
from functools import partial

from gateway.errors import ServiceUnavailable
from gateway.framing.percent import encoded
from gateway.ports.sandbox import Outcome
from gateway.stores.aws.client import AwsApi, AwsError, repeated

TRIES = 2
DOWN = "The sandbox cannot be reached now; try again."

log = logging.getLogger(__name__)


class LambdaSandbox:
    """`Sandbox` in a function of its own, named by its alias's ARN. `aws` waits as long as a program may run."""

    def __init__(self, aws: AwsApi, function: str) -> None:
        self._aws = aws
        self._path = f"/2015-03-31/functions/{encoded(function)}/invocations"

    async def run(self, code: str) -> Outcome:
        try:
            told = await repeated(
                partial(self._aws.call, "lambda", self._path, {"code": code}), tries=TRIES, ambiguous=True
            )
        except AwsError as error:
            raise ServiceUnavailable(DOWN) from error
        if "output" not in told:
            # The function's own failure, which Lambda tells with status 200.
            log.error("the sandbox failed: %s", told.get("errorType"))
            raise ServiceUnavailable(DOWN)
        return Outcome(told["output"], told["error"])
