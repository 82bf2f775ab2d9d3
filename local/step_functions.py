"""Adapts moto's Step Functions to this stack's state machines. Only moto's process imports this module.

moto calls Lambda at moto; here functions are processes of the stack, behind `lambda_api.py`. moto makes one task token
per state where AWS makes one per try, so that a second try would end at once. And moto parses a definition for each
execution, and a path for each use of it, which takes as long as all the rest.
"""

import http.client
from collections.abc import Callable
from functools import cache, partial
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

import local.without_ec2  # noqa: F401  # before moto's own modules

# isort: split
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path

# Lambda's own limit on an invocation, with a little more for the connection.
INVOKE_TIMEOUT_S = 920


Invoke = Callable[[dict[str, Any]], dict[str, Any]]


def adapt(invoke: Invoke) -> None:
    """Has moto's executions invoke functions through `invoke`, with a new task token for each try."""

    def invoke_function(parameters: dict[str, Any], **_where: object) -> dict[str, Any]:
        return invoke(parameters)

    evaluate = StateTaskServiceCallback._evaluate_with_timeout  # noqa: SLF001  # moto has no hook for it

    def evaluate_with_new_token(state: StateTaskServiceCallback, env: Environment) -> None:
        if state.resource.condition is ResourceCondition.WaitForTaskToken:
            env.callback_pool_manager.add(env.states.context_object.update_task_token())
        evaluate(state, env)

    setattr(lambda_eval_utils, "_invoke_lambda_function", invoke_function)  # noqa: B010  # mypy refuses a plain one
    setattr(StateTaskServiceCallback, "_evaluate_with_timeout", evaluate_with_new_token)  # noqa: B010  # likewise


def remember_parsed() -> None:
    """Has moto parse each definition and each path once; an execution's state is in its environment, not in them."""
    parse_once = staticmethod(cache(AmazonStateLanguageParser.parse))
    setattr(AmazonStateLanguageParser, "parse", parse_once)  # noqa: B010  # likewise
    setattr(json_path, "parse", cache(vars(json_path)["parse"]))  # noqa: B010  # likewise


def invoker(lambda_url: str) -> Invoke:
    """Builds a function that invokes functions through the API at that address."""
    base = urlsplit(lambda_url)
    return partial(_invoke, base.hostname or "", base.port or 80, base.path)


def _invoke(host: str, port: int, prefix: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Invokes a function and answers as boto3's `Lambda.invoke` does, with the payload read.

    A failure to reach the function is reported as the function's failure.
    """
    path = f"{prefix}/2015-03-31/functions/{quote(parameters['FunctionName'], safe='')}/invocations"
    connection = http.client.HTTPConnection(host, port, timeout=INVOKE_TIMEOUT_S)
    try:
        connection.request("POST", path, body=parameters["Payload"])
        response = connection.getresponse()
        body = response.read()
    except OSError as unreachable:
        failure = {"errorType": "Lambda.SdkClientException", "errorMessage": str(unreachable)}
        return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": failure}
    finally:
        connection.close()
    if response.status != 200:
        # When the stack itself ends, running invocations end without an error type.
        name = f"Lambda.{response.headers.get('x-amzn-errortype', 'ServiceException')}"
        failure = {"errorType": name, "errorMessage": body.decode()}
        return {"StatusCode": response.status, "FunctionError": "Unhandled", "Payload": failure}
    answer = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": orjson.loads(body or b"null")}
    error = response.headers["x-amz-function-error"]
    return answer | {"FunctionError": error} if error else answer
