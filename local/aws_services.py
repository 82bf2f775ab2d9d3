"""Starts the servers that stand in for the AWS services, and fills them from the template."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import boto3
import orjson
from botocore.config import Config

from local import dynamodb
from local.children import Children
from local.http_server import bind
from local.private_path import private_path
from local.resource_names import REGION
from local.template import Stack

log = logging.getLogger(__name__)
ServiceName = Literal["dynamodb", "kms", "s3", "secretsmanager", "sesv2", "sqs", "stepfunctions"]
# boto3 creates the types of its clients at run time.
Client = Any
# The emulators accept any credentials.
NO_SECRET = "local"
ROOT = Path(__file__).resolve().parent.parent

# The emulators accept only these parts of a table's description. Protection, backups and encryption exist on AWS alone.
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
    """The addresses of the services."""

    dynamodb: str
    moto: str
    lambda_api: str = ""
    sqs: str = ""
    connections: str = ""

    def environment(self) -> dict[str, str]:
        """Builds the variables by which every AWS SDK finds the services.

        Source: docs.aws.amazon.com/sdkref, Service-specific endpoints.
        """
        at_moto = ("CLOUDWATCH", "EVENTBRIDGE", "KMS", "S3", "SECRETS_MANAGER", "SES", "SESV2", "SFN", "SNS", "STS")
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb,
            "AWS_ENDPOINT_URL_SQS": self.sqs or self.moto,
            **({"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": self.connections} if self.connections else {}),
            **{f"AWS_ENDPOINT_URL_{service}": self.moto for service in at_moto},
            **({"AWS_ENDPOINT_URL_LAMBDA": self.lambda_api} if self.lambda_api else {}),
        }

    def client(self, service: ServiceName) -> Client:
        return _client(service, self.dynamodb if service == "dynamodb" else self.moto)


@cache
def _client(service: ServiceName, endpoint: str) -> Client:
    # Threads may share one, and to make one takes 30 ms of a core.
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key=NO_SECRET,
        config=Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=30),
    )


async def start_moto(children: Children, data: Path, env: Mapping[str, str], lambda_url: str = "") -> str:
    """Starts moto's server on the data directory and returns its endpoint, which answers as soon as moto is loaded.

    `lambda_url` is the address at which moto's Step Functions invoke functions, or empty if there is none.
    """
    path = private_path()
    with bind(0) as listener, (data / "logs" / "moto.log").open("ab") as output:
        process = await children.spawn(
            [sys.executable, "-m", "local.moto_process", str(data)],
            env={
                **env,
                "LAMBDA_URL": lambda_url,
                "PRIVATE_PATH": path,
                "PYTHONPATH": str(ROOT),
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
            },
            cwd=ROOT,
            stdin=listener.fileno(),
            stdout=output,
            stderr=output,
        )
        children.watch_service("moto", process)
        return f"http://127.0.0.1:{listener.getsockname()[1]}{path}"


async def start_dynamodb(children: Children, data: Path, env: Mapping[str, str]) -> str | None:
    """Starts DynamoDB Local and returns its endpoint. Returns None, and logs one line, if moto must replace it."""
    database = data / "dynamodb"
    database.mkdir(exist_ok=True)
    try:
        return await dynamodb.start(children, database, env, data / "logs" / "dynamodb.log")
    except dynamodb.Unavailable as why:
        log.warning("DynamoDB is moto's, slow and for trying out only: %s.", why)
        return None


def provision(services: Services, stack: Stack) -> None:
    """Creates the resources that the template declares and the data directory lacks. Blocks."""
    _create_tables(services, stack.resources["AWS::DynamoDB::Table"])
    for bucket in stack.resources["AWS::S3::Bucket"]:
        services.client("s3").create_bucket(Bucket=bucket)
    _create_queues(services, stack.resources["AWS::SQS::Queue"])
    for name, properties in stack.resources["AWS::SecretsManager::Secret"].items():
        put_secret(services, name, properties.get("SecretString", "{}"))
    for key_id in stack.resources["AWS::KMS::Key"]:
        # moto_store.py gives the key the id in its description, and the material that it had.
        services.client("kms").create_key(Description=key_id)
    _create_state_machines(services, stack)


def put_secret(services: Services, name: str, value: str) -> None:
    """Sets a secret's value and creates the secret if it is new. Blocks."""
    client = services.client("secretsmanager")
    try:
        client.create_secret(Name=name, SecretString=value)
    except client.exceptions.ResourceExistsException:
        client.put_secret_value(SecretId=name, SecretString=value)


def verify_sender(services: Services, identity: str) -> None:
    """Has moto's SES take letters from an identity; moto forgets it with its process. Blocks."""
    services.client("sesv2").create_email_identity(EmailIdentity=identity)


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
    # A dead-letter queue must exist before the queue that names it.
    for name, properties in sorted(queues.items(), key=lambda row: "RedrivePolicy" in row[1]):
        attributes = {
            key: value if isinstance(value, str) else orjson.dumps(value).decode()
            for key, value in properties.items()
            if key not in {"QueueName", "Tags"}
        }
        client.create_queue(QueueName=name, Attributes=attributes)


def _create_state_machines(services: Services, stack: Stack) -> None:
    """Creates the state machines at every start of the stack, because moto keeps them in memory only."""
    client = services.client("stepfunctions")
    for name, properties in stack.resources["AWS::StepFunctions::StateMachine"].items():
        definition = stack.definition(properties)
        client.create_state_machine(name=name, definition=definition, roleArn=properties["RoleArn"])
