"""Derives a physical name from its logical id alone, so that a data directory finds the same names at every start."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
STACK_NAME = "nexgate-local"

Properties = Mapping[str, Any]

# The property that holds a name the template sets itself, by resource type.
NAME_PROPERTY = {
    "AWS::ApiGateway::Stage": "StageName",
    "AWS::ApiGatewayV2::Stage": "StageName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::Lambda::Alias": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}

ARN_TAIL = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::IAM::User": "iam::{account}:user/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Alias": "lambda:{region}:{account}:function:{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::Scheduler::Schedule": "scheduler:{region}:{account}:schedule/default/{name}",
    "AWS::SecretsManager::Secret": "secretsmanager:{region}:{account}:secret:{name}",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{name}",
}

# The Ref of these types is their ARN. The Ref of every other type is its name.
REF_IS_ARN = {
    "AWS::Lambda::Alias",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
}


@dataclass(frozen=True, slots=True)
class ResourceNames:
    """Answers Ref and Fn::GetAtt for a resource. `queue_base` is the URL that queue URLs start with."""

    queue_base: str

    def name(self, logical_id: str, resource: Properties) -> str:
        chosen = resource.get("Properties", {}).get(NAME_PROPERTY.get(resource["Type"], ""))
        if isinstance(chosen, str):
            return chosen
        generated = f"{STACK_NAME}-{logical_id}"
        if resource["Type"] == "AWS::KMS::Key":
            # A key's id is a UUID, which stands in all that it has wrapped.
            return str(uuid5(NAMESPACE_URL, generated))
        # A bucket's name must be a DNS label.
        return generated.lower() if resource["Type"] == "AWS::S3::Bucket" else generated

    def arn(self, logical_id: str, resource: Properties) -> str:
        tail = ARN_TAIL.get(resource["Type"], "local:{region}:{account}:{name}")
        name = self.name(logical_id, resource)
        return "arn:aws:" + tail.format(region=REGION, account=ACCOUNT_ID, name=name)

    def ref(self, logical_id: str, resource: Properties) -> str:
        if resource["Type"] == "AWS::SQS::Queue":
            return f"{self.queue_base}/{ACCOUNT_ID}/{self.name(logical_id, resource)}"
        if resource["Type"] in REF_IS_ARN:
            return self.arn(logical_id, resource)
        return self.name(logical_id, resource)

    def get_att(self, logical_id: str, resource: Properties, attribute: str) -> str:
        answer = ATTRIBUTES.get(attribute)
        return answer(self, logical_id, resource) if answer else f"{self.name(logical_id, resource)}/{attribute}"


ATTRIBUTES: dict[str, Callable[[ResourceNames, str, Properties], str]] = {
    "Arn": ResourceNames.arn,
    "Id": ResourceNames.arn,
    "Name": ResourceNames.name,
    "QueueName": ResourceNames.name,
    "QueueUrl": ResourceNames.ref,
    "TopicArn": ResourceNames.arn,
    "TopicName": ResourceNames.name,
    "Version": lambda _names, _logical_id, _resource: "1",
}
