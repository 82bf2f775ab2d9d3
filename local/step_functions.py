"""What moto's Step Functions need to run this stack's state machines; imported by moto's process alone.

moto calls Lambda at moto; here functions are processes of the stack, behind `lambda_api.py`. moto makes a task token
once for a state where AWS makes one for each try, so that a second try would end at once. And moto parses a definition
for each execution, and a path for each use of it, which takes as long as all the rest.
"""

import http.client
from collections.abc import Callable
from functools import cache, partial
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path

# As Lambda's own bound on an invocation, with a little for the way.
INVOKE_TIMEOUT_S = 920


Invoke = Callable[[dict[str, Any]], dict[str, Any]]


def adapt(invoke: Invoke) -> None:
    """Has moto's executions invoke functions by `invoke`, with a task token of its own for each try."""

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
    """Has moto parse each definition and each path once; what executions change is in their environments."""
    parse_once = staticmethod(cache(AmazonStateLanguageParser.parse))
    setattr(AmazonStateLanguageParser, "parse", parse_once)  # noqa: B010  # likewise
    setattr(json_path, "parse", cache(vars(json_path)["parse"]))  # noqa: B010  # likewise


def invoker(lambda_url: str) -> Invoke:
    """Invokes functions by the API at that address."""
    base = urlsplit(lambda_url)
    return partial(_invoke, base.hostname or "", base.port or 80)


def _invoke(host: str, port: int, parameters: dict[str, Any]) -> dict[str, Any]:
    """As boto3's `Lambda.invoke` answers, the payload read. A failure to reach the function is the function's."""
    path = f"/2015-03-31/functions/{quote(parameters['FunctionName'], safe='')}/invocations"
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
        # The stack's own end leaves without a name what was under way.
        name = f"Lambda.{response.headers.get('x-amzn-errortype', 'ServiceException')}"
        failure = {"errorType": name, "errorMessage": body.decode()}
        return {"StatusCode": response.status, "FunctionError": "Unhandled", "Payload": failure}
    answer = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": orjson.loads(body or b"null")}
    error = response.headers["x-amz-function-error"]
    return answer | {"FunctionError": error} if error else answer
