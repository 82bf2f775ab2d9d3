"""Returns the template as CloudFormation gets it, in SAM's own translation, so that its silent changes are tested."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.language_extensions import expand
from local.translation import parsed

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stack:
    """The translated template's resources, by logical id."""

    resources: dict[str, dict[str, Any]]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Returns the properties of each resource of a type. Refuses to return none: a rule over them would hold."""
        found = {name: r.get("Properties", {}) for name, r in self.resources.items() if r["Type"] == kind}
        if not found:
            raise LookupError(f"no {kind} in the template")
        return found

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        return self.of_type("AWS::Lambda::Function")

    @property
    def api(self) -> dict[str, Any]:
        """Returns the one API's OpenAPI document."""
        (api,) = self.of_type("AWS::ApiGateway::RestApi").values()
        body: dict[str, Any] = api["Body"]
        return body

    @property
    def paths(self) -> dict[str, dict[str, Any]]:
        """Returns the API's paths. Refuses to return none: a rule over them would hold."""
        found: dict[str, dict[str, Any]] = self.api["paths"]
        if not found:
            raise LookupError("no path in the template's API")
        return found

    def integration(self, path: str) -> dict[str, Any]:
        method: dict[str, Any] = self.paths[path]["x-amazon-apigateway-any-method"]
        integration: dict[str, Any] = method["x-amazon-apigateway-integration"]
        return integration

    def grants(self, function: str) -> list[dict[str, Any]]:
        """Lists the statements of a function's own role and of the policies that it names; refuses to return none."""
        role = self.resources[self.functions[function]["Role"]["Fn::GetAtt"][0]]["Properties"]
        shared = [self.resources[policy["Ref"]]["Properties"] for policy in role.get("ManagedPolicyArns", [])]
        found = [s for policy in [*role["Policies"], *shared] for s in policy["PolicyDocument"]["Statement"]]
        if not found:
            raise LookupError(f"no grant in the role of {function}")
        return [grant.get("Fn::If", ["", grant])[1] for grant in found]


def translate(source: dict[str, Any], layer_key: str = "layer", parameters: Mapping[str, str] | None = None) -> Stack:
    """Translates a SAM template whose code lies in S3. `layer_key` stands for the layer's content."""
    template = copy.deepcopy(source)
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = {"Bucket": "bucket", "Key": "code"}
        if "ContentUri" in properties:
            properties["ContentUri"] = {"Bucket": "bucket", "Key": layer_key}
        if "DefinitionUri" in properties:
            properties["DefinitionUri"] = {"Bucket": "bucket", "Key": "definition"}
    defaults = {name: row["Default"] for name, row in template["Parameters"].items() if "Default" in row}
    given = {**defaults, **(parameters or {})}
    return Stack(Translator({}, Parser()).translate(template, given)["Resources"])


@cache
def load() -> dict[str, Any]:
    """Reads the SAM template as it is written, with its loops expanded. No test changes it: it is read once."""
    return expand(parsed((ROOT / "template.yaml").read_text()))
