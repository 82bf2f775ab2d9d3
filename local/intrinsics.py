"""Evaluates CloudFormation's intrinsic functions: takes a template's tree and returns the same tree without functions.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from local.resource_names import ACCOUNT_ID, REGION, STACK_NAME, ResourceNames

# A part of a template's tree, of any type that YAML can hold.
Node = Any
NO_VALUE = object()
PSEUDO_PARAMETERS: dict[str, Any] = {
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::NoValue": NO_VALUE,
    "AWS::NotificationARNs": [],
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack/{STACK_NAME}/local",
    "AWS::StackName": STACK_NAME,
    "AWS::URLSuffix": "amazonaws.com",
}
SUB_VARIABLE = re.compile(r"\$\{(!?)([A-Za-z0-9:._]+)\}")

NAME_KEYS = frozenset(
    [
        *("BucketName", "FunctionName", "LogGroupName", "Name", "QueueName", "RoleName", "StageName"),
        *("StateMachineName", "TableName", "TopicName", "UserName"),
    ]
)


class UnresolvedReference(LookupError):
    """A template names a parameter, resource, condition or mapping that it does not have."""


class Resolver:
    """Resolves values of one translated template. Parameters without a default must be given."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str], names: ResourceNames) -> None:
        self._resources: Mapping[str, Any] = template["Resources"]
        self._conditions: Mapping[str, Any] = template.get("Conditions", {})
        self._mappings: Mapping[str, Any] = template.get("Mappings", {})
        self._names = names
        declared = template.get("Parameters", {})
        defaults = {name: row["Default"] for name, row in declared.items() if "Default" in row}
        self._parameters = {**PSEUDO_PARAMETERS, **defaults, **parameters}

    def included(self, resource: Mapping[str, Any]) -> bool:
        return "Condition" not in resource or self._condition(resource["Condition"])

    def resolve(self, node: Node) -> Node:
        if isinstance(node, list):
            resolved = [self.resolve(item) for item in node]
            return [item for item in resolved if item is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            function = self.functions.get(name)
            if function:
                return function(self, argument)
        pairs = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in pairs.items() if value is not NO_VALUE}

    def _ref(self, name: str) -> Node:
        if name in self._parameters:
            return self._parameters[name]
        return self._names.ref(name, self._resource(name))

    def _get_att(self, argument: str | list[str]) -> Node:
        logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._names.get_att(logical_id, self._resource(logical_id), attribute)

    def _resource(self, logical_id: str) -> Mapping[str, Any]:
        if logical_id not in self._resources:
            raise UnresolvedReference(f"the template has no parameter or resource named {logical_id}")
        resource: Mapping[str, Any] = self._resources[logical_id]
        if resource["Type"] == "AWS::Lambda::Alias":
            return self._alias(resource)
        properties = {
            key: self.resolve(value) for key, value in resource.get("Properties", {}).items() if key in NAME_KEYS
        }
        return {"Type": resource["Type"], "Properties": properties}

    def _alias(self, resource: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the Ref of an alias, which is the ARN of its function followed by the alias."""
        function = self.resolve(resource["Properties"]["FunctionName"])
        alias = f"{function}:{self.resolve(resource['Properties']['Name'])}"
        return {"Type": "AWS::Lambda::Alias", "Properties": {"Name": alias}}

    def _sub(self, argument: str | list[Node]) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def value(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return str(self.resolve(variables[name]))
            return str(self._get_att(name) if "." in name else self._ref(name))

        return SUB_VARIABLE.sub(value, text)

    def _join(self, argument: list[Node]) -> str:
        delimiter, parts = argument
        return str(delimiter).join(str(part) for part in self.resolve(parts))

    def _split(self, argument: list[Node]) -> list[str]:
        delimiter, text = argument
        return str(self.resolve(text)).split(delimiter)

    def _select(self, argument: list[Node]) -> Node:
        index, items = argument
        return self.resolve(items)[int(self.resolve(index))]

    def _find_in_map(self, argument: list[Node]) -> Node:
        mapping, first, second = (self.resolve(part) for part in argument)
        return self._mappings[mapping][first][second]

    def _base64(self, argument: Node) -> str:
        return base64.b64encode(str(self.resolve(argument)).encode()).decode()

    def _if(self, argument: list[Node]) -> Node:
        condition, chosen, otherwise = argument
        return self.resolve(chosen if self._condition(condition) else otherwise)

    def _condition(self, name: str) -> bool:
        if name not in self._conditions:
            raise UnresolvedReference(f"the template has no condition named {name}")
        return bool(self.resolve(self._conditions[name]))

    def _equals(self, argument: list[Node]) -> bool:
        left, right = (self.resolve(part) for part in argument)
        return str(left) == str(right)

    def _not(self, argument: list[Node]) -> bool:
        return not self.resolve(argument[0])

    def _and(self, argument: list[Node]) -> bool:
        return all(self.resolve(part) for part in argument)

    def _or(self, argument: list[Node]) -> bool:
        return any(self.resolve(part) for part in argument)

    functions: ClassVar[dict[str, Callable[["Resolver", Node], Node]]] = {
        "Ref": _ref,
        "Fn::GetAtt": _get_att,
        "Fn::Sub": _sub,
        "Fn::Join": _join,
        "Fn::Split": _split,
        "Fn::Select": _select,
        "Fn::FindInMap": _find_in_map,
        "Fn::Base64": _base64,
        "Fn::If": _if,
        "Fn::Equals": _equals,
        "Fn::Not": _not,
        "Fn::And": _and,
        "Fn::Or": _or,
        "Condition": _condition,
    }
