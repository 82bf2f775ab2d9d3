"""Removes a custom domain's base path from an event's path, which API Gateway leaves in it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

_PARAMETER = re.compile(r"\\\{\w+(\\\+)?\\\}")


def remove_base_path(event: MutableMapping[str, Any]) -> None:
    """Sets the event's path to the one that its resource matches; raises `TypeError` if the path is not text."""
    event["path"] = _path(event)


def _path(event: Mapping[str, Any]) -> str:
    path: str = event["path"]
    resource = event.get("resource")
    if not resource or _pattern(resource).fullmatch(path):
        return path
    # A base path has one or more segments. Remove the fewest that leave a path of the resource.
    segments = path.split("/")
    for first in range(2, len(segments) + 1):
        rest = "/" + "/".join(segments[first:])
        if _pattern(resource).fullmatch(rest):
            return rest
    return path


@lru_cache(maxsize=64)
def _pattern(resource: str) -> re.Pattern[str]:
    """The pattern of paths of a resource such as `/v1/models/{proxy+}`; a trailing slash is the client's."""
    expression = _PARAMETER.sub(lambda match: ".+" if match[1] else "[^/]+", re.escape(resource))
    return re.compile(f"{expression}/?")
