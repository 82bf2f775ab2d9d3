"""Reads the local stack's parts from the real template through AWS's own translator, so that nothing is listed twice.

A stack is a frozen value; building one starts nothing and touches no network. What the translator makes of a template
is kept in .cache, by all that it depends on.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from local.intrinsics import Resolver
from local.permissions import Statement, statements
from local.resource_names import ResourceNames

HERE = Path(__file__).resolve().parent
KEPT = HERE.parent / ".cache" / "translated"
# Templates that are kept: the last of a day's work on one, with a few choices of parameters.
KEPT_MAX = 20
TRANSLATING = ("translation.py", "language_extensions.py", "resource_names.py")
FUNCTION_ARN = re.compile(r":function:([A-Za-z0-9_-]+)")
RATE = re.compile(r"rate\((\d+) (second|minute|hour|day)s?\)")
RATE_UNIT_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}

# Types that only connect, permit or watch other resources. None of them runs, here or on AWS.
SILENT_TYPES = re.compile(
    r"AWS::(ApiGateway(V2)?|CloudWatch|CodeDeploy|IAM|KMS|Logs|S3::BucketPolicy|SNS"
    r"|Lambda::(Alias|CapacityProvider|EventInvokeConfig|LayerVersion|Permission|Version))"
)


class TemplateError(ValueError):
    """The template cannot be run here. The message names the resource."""


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function. `command_prefix` is its exec wrapper on this machine, or empty."""

    name: str
    family: str
    handler: str
    task_root: Path
    layers: tuple[Path, ...]
    command_prefix: tuple[str, ...]
    timeout_s: int
    memory_mb: int
    log_format: str
    environment: Mapping[str, str]
    grants: tuple[Statement, ...] = ()
    snap_start: bool = False
    # More than one event at a time, on a managed instance alone.
    concurrency: int = 1

    @property
    def on_instances(self) -> bool:
        """True for a function on managed instances."""
        return self.concurrency > 1


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one API Gateway resource. `method` is `ANY` or upper case."""

    path: str
    method: str
    function: str
    streaming: bool
    timeout_ms: int | None


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """A customised gateway response. Headers keep API Gateway's value expressions."""

    status: int | None
    headers: Mapping[str, str]
    templates: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Api:
    """The REST API: its stage, routes, customised responses and binary types."""

    stage: str
    routes: tuple[Route, ...]
    responses: Mapping[str, GatewayResponse]
    binary_media_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SocketRoute:
    """A route of the WebSocket API with what it calls: a function, or SQS with a rendered template."""

    function: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class WebSocketApi:
    """The WebSocket API: its stages, and its routes by their keys."""

    stages: tuple[str, ...]
    routes: Mapping[str, SocketRoute]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rate(...) rule or schedule and the function it invokes."""

    name: str
    function: str
    every_s: int
    event: Any = None


@dataclass(frozen=True, slots=True)
class QueueSource:
    """An SQS queue whose messages a function receives."""

    function: str
    queue_name: str
    batch_size: int
    reports_failures: bool


@dataclass(frozen=True, slots=True)
class Stack:
    """The parts of the template that run. `resources` holds CloudFormation properties by type and name."""

    functions: Mapping[str, Function]
    api: Api
    sockets: WebSocketApi | None
    schedules: tuple[Schedule, ...]
    queue_sources: tuple[QueueSource, ...]
    resources: Mapping[str, Mapping[str, Mapping[str, Any]]]
    root: Path
    not_emulated: tuple[str, ...] = field(default=())

    def definition(self, state_machine: Mapping[str, Any]) -> str:
        """Builds a state machine's definition with its substitutions made."""
        text: str = (self.root / state_machine["DefinitionS3Location"]["Key"]).read_text()
        for name, value in state_machine.get("DefinitionSubstitutions", {}).items():
            text = text.replace(f"${{{name}}}", str(value))
        return text


def translate(path: Path, parameters: Mapping[str, str] | None = None, late: Set[str] = frozenset()) -> dict[str, Any]:
    """Translates a SAM template to CloudFormation's form. Raises TemplateError if it is wrong.

    `late` names parameters that only `resolve` is told: with values that differ at each start, nothing kept would fit.
    """
    text = path.read_text()
    known = {name: value for name, value in (parameters or {}).items() if name not in late}
    parts = [text, sorted(known.items()), sorted(late), version("aws-sam-translator")]
    code = b"".join((HERE / name).read_bytes() for name in TRANSLATING)
    kept = KEPT / f"{hashlib.sha256(orjson.dumps(parts) + code).hexdigest()}.json"
    if not kept.is_file():
        from local.translation import TranslationError, translated  # noqa: PLC0415  # half a second of a core

        try:
            _keep(kept, orjson.dumps(translated(text, known, late)))
        except TranslationError as error:
            raise TemplateError(str(error)) from error
    found: dict[str, Any] = orjson.loads(kept.read_bytes())
    return found


def _keep(file: Path, content: bytes) -> None:
    """Writes a translated template in one step, since other stacks may read it, and deletes the oldest ones."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{uuid4().hex}")
    fresh.write_bytes(content)
    fresh.replace(file)
    for old in sorted(file.parent.glob("*.json"), key=lambda each: each.stat().st_mtime)[:-KEPT_MAX]:
        old.unlink(missing_ok=True)


def resolve(
    template: Mapping[str, Any], root: Path, names: ResourceNames, parameters: Mapping[str, str] | None = None
) -> Stack:
    """Builds the stack that a translated template describes. `root` is the folder its code paths start from."""
    resolver = Resolver(template, parameters or {}, names)
    included = {
        logical_id: resource for logical_id, resource in template["Resources"].items() if resolver.included(resource)
    }
    reader = _Reader(included, resolver, names, root)
    return reader.stack()


class _Reader:
    """Reads each kind of resource from one translated template."""

    def __init__(self, resources: Mapping[str, Any], resolver: Resolver, names: ResourceNames, root: Path) -> None:
        self._resources = resources
        self._resolver = resolver
        self._names = names
        self._root = root

    def stack(self) -> Stack:
        functions = {function.name: function for function in self._functions()}
        return Stack(
            functions=functions,
            api=self._api(),
            sockets=self._sockets(),
            schedules=tuple(self._schedules()),
            queue_sources=tuple(self._queue_sources()),
            resources={kind: dict(self._of_type(kind)) for kind in sorted(PROVISIONED_TYPES)},
            root=self._root,
            not_emulated=tuple(sorted(self._not_emulated())),
        )

    def _of_type(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yields the physical name and resolved properties of each resource of a type."""
        for logical_id, resource in self._resources.items():
            if resource["Type"] == kind:
                properties = self._resolver.resolve(resource.get("Properties", {}))
                yield self._names.name(logical_id, {"Type": kind, "Properties": properties}), properties

    def _functions(self) -> Iterator[Function]:
        for logical_id, resource in self._resources.items():
            if resource["Type"] == "AWS::Lambda::Function":
                yield self._function(logical_id, resource["Properties"])

    def _function(self, logical_id: str, raw: Mapping[str, Any]) -> Function:
        layer_ids = [layer["Ref"] for layer in raw.get("Layers", [])]
        properties = self._resolver.resolve({key: value for key, value in raw.items() if key != "Layers"})
        if "S3Key" not in properties["Code"]:
            raise TemplateError(f"{logical_id}: only functions with a local CodeUri run here")
        task_root = self._root / properties["Code"]["S3Key"]
        environment = {key: str(value) for key, value in properties.get("Environment", {}).get("Variables", {}).items()}
        layers = tuple(self._root / self._resources[layer]["Properties"]["Content"]["S3Key"] for layer in layer_ids)
        wrapper = environment.get("AWS_LAMBDA_EXEC_WRAPPER")
        return Function(
            name=self._names.name(logical_id, {"Type": "AWS::Lambda::Function", "Properties": properties}),
            family=task_root.name,
            handler=properties["Handler"],
            task_root=task_root,
            layers=layers,
            command_prefix=(_on_this_machine(wrapper, layers),) if wrapper else (),
            timeout_s=int(properties.get("Timeout", 3)),
            memory_mb=int(properties.get("MemorySize", 128)),
            log_format=properties.get("LoggingConfig", {}).get("LogFormat", "Text"),
            environment=environment,
            grants=self._grants(raw),
            snap_start=properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions",
            concurrency=int(_instances(properties).get("PerExecutionEnvironmentMaxConcurrency", 1)),
        )

    def _grants(self, function: Mapping[str, Any]) -> tuple[Statement, ...]:
        """Lists the statements of the function's role: its own policies, and those of the template that it names."""
        role = self._resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]
        named = [arn["Ref"] for arn in role.get("ManagedPolicyArns", []) if isinstance(arn, dict) and "Ref" in arn]
        policies = [*role.get("Policies", []), *(self._resources[name]["Properties"] for name in named)]
        return statements(self._resolver.resolve(policy["PolicyDocument"]) for policy in policies)

    def _api(self) -> Api:
        bodies = dict(self._of_type("AWS::ApiGateway::RestApi"))
        stages = dict(self._of_type("AWS::ApiGateway::Stage"))
        if len(bodies) != 1 or len(stages) != 1:
            raise TemplateError(f"one REST API with one stage is needed; the template has {len(bodies)}")
        (properties,) = bodies.values()
        (stage,) = stages.values()
        body = properties["Body"]
        responses = body.get("x-amazon-apigateway-gateway-responses", {})
        return Api(
            stage=stage["StageName"],
            routes=tuple(_routes(body["paths"])),
            responses={kind: _gateway_response(row) for kind, row in responses.items()},
            binary_media_types=tuple(
                media_type.replace("~1", "/") for media_type in properties.get("BinaryMediaTypes", [])
            ),
        )

    def _sockets(self) -> WebSocketApi | None:
        """The one WebSocket API, if the template has it."""
        stages = tuple(properties["StageName"] for _name, properties in self._of_type("AWS::ApiGatewayV2::Stage"))
        integrations = dict(self._of_type("AWS::ApiGatewayV2::Integration"))
        routes = {
            properties["RouteKey"]: _socket_route(integrations[properties["Target"].partition("/")[2]])
            for _name, properties in self._of_type("AWS::ApiGatewayV2::Route")
        }
        return WebSocketApi(stages, routes) if routes else None

    def _schedules(self) -> Iterator[Schedule]:
        for kind in ("AWS::Events::Rule", "AWS::Scheduler::Schedule"):
            for name, properties in self._of_type(kind):
                rate = RATE.fullmatch(properties.get("ScheduleExpression", ""))
                targets = properties.get("Targets") or [properties.get("Target", {})]
                for target in targets:
                    function = FUNCTION_ARN.search(target.get("Arn", ""))
                    if rate and function and properties.get("State") != "DISABLED":
                        every_s = int(rate[1]) * RATE_UNIT_S[rate[2]]
                        yield Schedule(name, function[1], every_s, target.get("Input"))

    def _queue_sources(self) -> Iterator[QueueSource]:
        for _name, properties in self._of_type("AWS::Lambda::EventSourceMapping"):
            source, function = properties.get("EventSourceArn", ""), properties["FunctionName"]
            if ":sqs:" in source:
                matched = FUNCTION_ARN.search(function)
                yield QueueSource(
                    function=matched[1] if matched else function,
                    queue_name=source.rsplit(":", 1)[1],
                    batch_size=int(properties.get("BatchSize", 10)),
                    reports_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ()),
                )

    def _not_emulated(self) -> Iterator[str]:
        for logical_id, resource in self._resources.items():
            kind = resource["Type"]
            if kind not in RUN_TYPES | PROVISIONED_TYPES and not SILENT_TYPES.match(kind):
                yield f"{logical_id} ({kind})"


RUN_TYPES = {
    "AWS::Events::Rule",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Scheduler::Schedule",
}
PROVISIONED_TYPES = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
}


def _instances(function: Mapping[str, Any]) -> Mapping[str, Any]:
    """Finds how a function uses its managed instances; empty for one that has none."""
    provider: Mapping[str, Any] = function.get("CapacityProviderConfig", {})
    found: Mapping[str, Any] = provider.get("LambdaManagedInstancesCapacityProviderConfig", {})
    return found


def _on_this_machine(path: str, layers: tuple[Path, ...]) -> str:
    """Finds a file under /opt in the source of the last layer that has it, as Lambda lays layers over one another.

    Some layers add `python/` to their content only at the build, so both places are searched.
    """
    inside = path.removeprefix("/opt/")
    for folder in reversed(layers):
        for file in (folder / inside, folder / inside.removeprefix("python/")):
            if file.is_file():
                return str(file)
    raise TemplateError(f"{path} is in none of the function's layers")


def _routes(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[Route]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            integration = operation.get("x-amazon-apigateway-integration", {})
            function = FUNCTION_ARN.search(integration.get("uri", ""))
            if function:
                yield Route(
                    path=path,
                    method="ANY" if method == "x-amazon-apigateway-any-method" else method.upper(),
                    function=function[1],
                    streaming=integration.get("responseTransferMode") == "STREAM",
                    timeout_ms=integration.get("timeoutInMillis"),
                )


def _socket_route(integration: Mapping[str, Any]) -> SocketRoute:
    function = FUNCTION_ARN.search(integration["IntegrationUri"])
    if function and integration["IntegrationType"] == "AWS_PROXY":
        return SocketRoute(function=function[1])
    if ":sqs:path/" not in integration["IntegrationUri"]:
        raise TemplateError(f"an integration with {integration['IntegrationUri']} is not emulated")
    return SocketRoute(template=integration["RequestTemplates"]["$default"])


def _gateway_response(row: Mapping[str, Any]) -> GatewayResponse:
    prefix = "gatewayresponse.header."
    return GatewayResponse(
        status=int(row["statusCode"]) if "statusCode" in row else None,
        headers={
            name.removeprefix(prefix): value
            for name, value in row.get("responseParameters", {}).items()
            if name.startswith(prefix)
        },
        templates=row.get("responseTemplates", {}),
    )
