"""The AWS services around the functions: which server stands in for each, and how they are filled from the template."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import boto3
import orjson
from botocore.config import Config

from local import dynamodb
from local.children import Children
from local.front import bind
from local.resource_names import REGION
from local.template import Stack

log = logging.getLogger(__name__)
ServiceName = Literal["dynamodb", "s3", "secretsmanager", "sqs", "stepfunctions"]
# boto3 makes its clients' types at run time.
Client = Any
# The emulators take any credentials.
NO_SECRET = "local"
ROOT = Path(__file__).resolve().parent.parent

# The parts of a table's description that the emulators take; protection, backups and encryption are AWS's own.
TABLE_PROPERTIES = (
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "StreamSpecification",
)


@dataclass(frozen=True, slots=True)
class Services:
    """Where the services answer."""

    dynamodb: str
    moto: str

    def environment(self) -> dict[str, str]:
        """The variables by which every AWS SDK finds them; docs.aws.amazon.com/sdkref, Service-specific endpoints."""
        at_moto = ("EVENTBRIDGE", "S3", "SECRETS_MANAGER", "SES", "SFN", "SNS", "SQS", "STS")
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb,
            **{f"AWS_ENDPOINT_URL_{service}": self.moto for service in at_moto},
        }

    def client(self, service: ServiceName) -> Client:
        return boto3.client(
            service,
            endpoint_url=self.dynamodb if service == "dynamodb" else self.moto,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key=NO_SECRET,
            config=Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=30),
        )


async def start_moto(children: Children, data: Path, env: Mapping[str, str], lambda_url: str = "") -> str:
    """Starts moto's server on the data directory; its endpoint, which answers as soon as moto is loaded.

    Its Step Functions invoke functions at `lambda_url`, where there are any.
    """
    with bind(0) as listener, (data / "logs" / "moto.log").open("ab") as output:
        process = await children.spawn(
            [sys.executable, "-m", "local.moto_process", str(data), lambda_url],
            env={**env, "PYTHONPATH": str(ROOT), "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"},
            cwd=ROOT,
            stdin=listener.fileno(),
            stdout=output,
            stderr=output,
        )
        children.watch_service("moto", process)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def start_dynamodb(children: Children, data: Path, env: Mapping[str, str]) -> str | None:
    """DynamoDB Local's endpoint, or None, said in one line, where moto must stand in."""
    database = data / "dynamodb"
    database.mkdir(exist_ok=True)
    try:
        return await dynamodb.start(children, database, env, data / "logs" / "dynamodb.log")
    except dynamodb.Unavailable as why:
        log.warning("DynamoDB is moto's, slow and for trying out only: %s.", why)
        return None


def provision(services: Services, stack: Stack) -> None:
    """Creates what the template declares and the data directory does not have yet; blocks."""
    _create_tables(services, stack.resources["AWS::DynamoDB::Table"])
    for bucket in stack.resources["AWS::S3::Bucket"]:
        services.client("s3").create_bucket(Bucket=bucket)
    _create_queues(services, stack.resources["AWS::SQS::Queue"])
    for name, properties in stack.resources["AWS::SecretsManager::Secret"].items():
        put_secret(services, name, properties.get("SecretString", "{}"))
    _create_state_machines(services, stack)


def put_secret(services: Services, name: str, value: str) -> None:
    """Sets a secret's value, creating it where it is new; blocks."""
    client = services.client("secretsmanager")
    try:
        client.create_secret(Name=name, SecretString=value)
    except client.exceptions.ResourceExistsException:
        client.put_secret_value(SecretId=name, SecretString=value)


def _create_tables(services: Services, tables: Mapping[str, Mapping[str, Any]]) -> None:
    client = services.client("dynamodb")
    existing = {name for page in client.get_paginator("list_tables").paginate() for name in page["TableNames"]}
    for name, properties in tables.items():
        if name in existing:
            continue
        wanted = {key: properties[key] for key in TABLE_PROPERTIES if key in properties}
        client.create_table(TableName=name, **wanted)
        if "TimeToLiveSpecification" in properties:
            client.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])


def _create_queues(services: Services, queues: Mapping[str, Mapping[str, Any]]) -> None:
    client = services.client("sqs")
    # A queue's dead-letter queue comes first.
    for name, properties in sorted(queues.items(), key=lambda row: "RedrivePolicy" in row[1]):
        attributes = {
            key: value if isinstance(value, str) else orjson.dumps(value).decode()
            for key, value in properties.items()
            if key not in {"QueueName", "Tags"}
        }
        client.create_queue(QueueName=name, Attributes=attributes)


def _create_state_machines(services: Services, stack: Stack) -> None:
    """They are moto's, which keeps them in memory: each start of the stack creates them."""
    client = services.client("stepfunctions")
    for name, properties in stack.resources["AWS::StepFunctions::StateMachine"].items():
        definition = stack.definition(properties)
        client.create_state_machine(name=name, definition=definition, roleArn=properties["RoleArn"])
