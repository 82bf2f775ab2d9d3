"""Writes the template of a stack whose streaming functions run on Lambda Managed Instances.

`make build COMPUTE=managed` builds it; `python -m local.compute > template.managed.json` writes it alone. A condition
in the one template cannot do this, since SAM reads a capacity provider's ARN when it translates, before any condition.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from local.translation import parsed

TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
Json = dict[str, Any]

PARAMETERS: Json = {
    "InstanceSubnets": {
        "Type": "List<AWS::EC2::Subnet::Id>",
        "Description": "Subnets of the instances, in three availability zones, with a way to the internet.",
    },
    "InstanceSecurityGroups": {
        "Type": "List<AWS::EC2::SecurityGroup::Id>",
        "Description": "Security groups of the instances, which let HTTPS out.",
    },
    "InstanceVCpusMax": {
        "Type": "Number",
        "Default": 64,
        "MinValue": 2,
        "Description": "Cores that all instances together may come to.",
    },
    "RequestsPerEnvironment": {
        "Type": "Number",
        "Default": 64,
        "MinValue": 2,
        "MaxValue": 1600,
        "Description": "Requests that one environment, of one core and 2 GB, serves at the same time.",
    },
}
INSTANCES: Json = {
    "Type": "AWS::Serverless::CapacityProvider",
    "Properties": {
        "VpcConfig": {
            "SubnetIds": {"Ref": "InstanceSubnets"},
            "SecurityGroupIds": {"Ref": "InstanceSecurityGroups"},
        },
        "InstanceRequirements": {"Architectures": ["arm64"]},
        "ScalingConfig": {"MaxVCpuCount": {"Ref": "InstanceVCpusMax"}},
    },
}
# The least that an environment on an instance takes. An environment that is always there needs no snapshot.
ON_INSTANCES: Json = {
    "MemorySize": 2048,
    "SnapStart": {"ApplyOn": "None"},
    "CapacityProviderConfig": {
        "Arn": {"Fn::GetAtt": ["Instances", "Arn"]},
        "PerExecutionEnvironmentMaxConcurrency": {"Ref": "RequestsPerEnvironment"},
        "ExecutionEnvironmentMemoryGiBPerVCpu": 2,
    },
}


def managed(template: Mapping[str, Any]) -> Json:
    """Returns the template with its streaming functions on instances."""
    resources = {name: _placed(resource) for name, resource in template["Resources"].items()}
    return {
        **template,
        "Parameters": {**template["Parameters"], **PARAMETERS},
        "Resources": {**resources, "Instances": INSTANCES},
    }


def _placed(resource: Any) -> Any:
    properties = resource.get("Properties", {}) if isinstance(resource, dict) else {}
    variables = properties.get("Environment", {}).get("Variables", {})
    return {**resource, "Properties": {**properties, **ON_INSTANCES}} if WRAPPER in variables else resource


def main() -> int:
    """Prints the template."""
    sys.stdout.buffer.write(orjson.dumps(managed(parsed(TEMPLATE.read_text())), option=orjson.OPT_INDENT_2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
