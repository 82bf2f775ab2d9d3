"""The template as CloudFormation gets it: SAM's own translation, so that its silent changes are seen."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stack:
    """The translated template's resources, by logical id."""

    resources: dict[str, dict[str, Any]]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: r.get("Properties", {}) for name, r in self.resources.items() if r["Type"] == kind}

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        return self.of_type("AWS::Lambda::Function")

    @property
    def api(self) -> dict[str, Any]:
        """The one API's OpenAPI document."""
        (api,) = self.of_type("AWS::ApiGateway::RestApi").values()
        body: dict[str, Any] = api["Body"]
        return body

    def integration(self, path: str) -> dict[str, Any]:
        method: dict[str, Any] = self.api["paths"][path]["x-amazon-apigateway-any-method"]
        integration: dict[str, Any] = method["x-amazon-apigateway-integration"]
        return integration

    def grants(self, function: str) -> list[dict[str, Any]]:
        """The statements of a function's own role."""
        role = self.resources[self.functions[function]["Role"]["Fn::GetAtt"][0]]["Properties"]
        return [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]


def translate(source: dict[str, Any], layer_key: str = "layer") -> Stack:
    """The stack of a SAM template whose code lies in S3; `layer_key` stands for what the layer holds."""
    template = copy.deepcopy(source)
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = {"Bucket": "bucket", "Key": "code"}
        if "ContentUri" in properties:
            properties["ContentUri"] = {"Bucket": "bucket", "Key": layer_key}
        if "DefinitionUri" in properties:
            properties["DefinitionUri"] = {"Bucket": "bucket", "Key": "definition"}
    defaults = {name: parameter["Default"] for name, parameter in template["Parameters"].items()}
    return Stack(Translator({}, Parser()).translate(template, defaults)["Resources"])


def load() -> dict[str, Any]:
    """The SAM template as it is written."""
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return template
