"""Translates a SAM template by AWS's own translator, whose import alone takes half a second of a core."""

from collections.abc import Mapping, Set
from typing import Any

import boto3
import yaml
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import intrinsics_multi_constructor

from local.intrinsics import Node
from local.language_extensions import expand
from local.resource_names import REGION

# The translator accepts only code that is on S3, so a path relative to the template is passed as the key.
CODE_KEYS = {"CodeUri", "ContentUri", "DefinitionUri"}
CODE_BUCKET = "s3://local/"


class TranslationError(ValueError):
    """The template is no valid SAM template. The message is the translator's."""


class _Loader(yaml.CSafeLoader):
    """Reads YAML with CloudFormation's short forms, in C: eight times as fast as the translator's own way."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


def parsed(text: str) -> dict[str, Any]:
    """Parses a template's YAML, with `!Ref` and the other short forms in their long form."""
    found: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506  # a subclass of the safe loader
    return found


def translated(text: str, parameters: Mapping[str, str], late: Set[str] = frozenset()) -> dict[str, Any]:
    """Translates a SAM template to CloudFormation's form; a `Ref` to a parameter of `late` stays one.

    Raises TranslationError if the template is wrong.
    """
    source = _with_code_on_s3(expand(parsed(text)))
    for name in late & source.get("Parameters", {}).keys():
        # The translator puts a default in the place of every `Ref`, as it does with a value.
        source["Parameters"][name].pop("Default", None)
    defaults = {name: row["Default"] for name, row in source.get("Parameters", {}).items() if "Default" in row}
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    try:
        found: dict[str, Any] = translator.translate(
            source,
            parameter_values={**defaults, **parameters},
            get_managed_policy_map=dict,
            passthrough_metadata=True,
        )
    except InvalidDocumentException as error:
        raise TranslationError(str(error)) from error
    return found


def _with_code_on_s3(node: Node) -> Node:
    if isinstance(node, list):
        return [_with_code_on_s3(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: CODE_BUCKET + value if key in CODE_KEYS and isinstance(value, str) else _with_code_on_s3(value)
        for key, value in node.items()
    }
