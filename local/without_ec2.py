"""Has moto's Step Functions load without moto's Batch, whose import brings all tables of EC2 with it.

They take two of the three seconds of a core that moto needs to start, and no state machine of ours starts a job there.
"""

import enum
import sys
from types import ModuleType


class JobStatus(enum.StrEnum):
    """The two states of an AWS Batch job that moto's Step Functions know."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


_BATCH = ModuleType("moto.batch.utils")
vars(_BATCH)["JobStatus"] = JobStatus
sys.modules.setdefault("moto.batch.utils", _BATCH)
