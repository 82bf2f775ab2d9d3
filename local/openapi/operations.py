"""Every operation of the API, by its row in `gateway/http/callers.py`. A test holds both to be the same set."""

from __future__ import annotations

from collections.abc import Mapping

from local.openapi.account_operations import ACCOUNT
from local.openapi.model_operations import MODELS
from local.openapi.operation import Operation

OPERATIONS: Mapping[str, Operation] = {**MODELS, **ACCOUNT}
