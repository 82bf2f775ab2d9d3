"""The command that the exec wrapper starts in place of Lambda's own runtime client.

Only Lambda's own variables are read here, and the stack's name for the log; an app reads the gateway's settings itself:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from __future__ import annotations

import asyncio
import os
import sys

from gateway.logs.lines import configure
from gateway.runtime.server import Settings, serve


def main() -> int:
    """Serves the handler that Lambda's environment names."""
    lambda_environment = os.environ
    sys.path.insert(0, lambda_environment["LAMBDA_TASK_ROOT"])
    configure(stack=lambda_environment.get("STACK_NAME", ""))
    settings = Settings(
        api_address=lambda_environment["AWS_LAMBDA_RUNTIME_API"],
        handler=lambda_environment["_HANDLER"],
        concurrency=int(lambda_environment.get("AWS_LAMBDA_MAX_CONCURRENCY", "1")),
        snap_start=lambda_environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start",
    )
    return asyncio.run(serve(settings))


if __name__ == "__main__":
    sys.exit(main())
