"""Tests that a snapshot holds all modules that functions of its code import when they are called."""

import pytest

from tests.http.test_cold_start import printed
from tests.template.families import routed

# Read from byte code, where the code that primes reads the source.
PROGRAM = """
import asyncio, dis, sys, types
from importlib.util import find_spec
runtime = types.ModuleType("snapshot_restore_py")
runtime.register_before_snapshot = runtime.register_after_restore = lambda hook: None
sys.modules["snapshot_restore_py"] = runtime
import app
from gateway.runtime.hooks import run_before_snapshot
asyncio.run(run_before_snapshot())

def deferred(code, is_module):
    if not is_module:
        for step in dis.get_instructions(code):
            if step.opname == "IMPORT_NAME":
                yield step.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from deferred(constant, False)

for name in [name for name in sys.modules if name == "app" or name.startswith("gateway.")]:
    code = sys.modules[name].__spec__.loader.get_code(name)
    for found in deferred(code, True):
        if found not in sys.modules and find_spec(found.partition(".")[0]) is not None:
            print(name + ":" + found)
print("end")
"""


@pytest.mark.parametrize("family", sorted({route.family for route in routed()}))
def test_no_function_of_a_snapshot_imports_what_is_not_loaded(family: str) -> None:
    assert printed(family, PROGRAM, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start") == ["end"]
