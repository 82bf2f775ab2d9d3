"""Has moto's Step Functions load without moto's Batch, whose import brings all tables of EC2 with it.

They take two of the three seconds of a core that moto needs to start, and no state machine of ours starts a job there.
"""

import enum
import importlib
import sys
from types import ModuleType

BATCH = "moto.batch.utils"
# The one module of Step Functions that wants something of it.
WANTS_IT = "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_batch"


class JobStatus(enum.StrEnum):
    """The two states of an AWS Batch job that moto's Step Functions know."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


if BATCH not in sys.modules:
    vars(sys.modules.setdefault(BATCH, ModuleType(BATCH)))["JobStatus"] = JobStatus
    importlib.import_module(WANTS_IT)
    # moto's CloudFormation, which tests use, wants the real one.
    del sys.modules[BATCH]
