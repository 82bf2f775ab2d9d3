"""Runs one call of a tool: finds it, reads its arguments, bounds its time and its result, and never fails.

What goes wrong is the result that the model sees, except what would go wrong for every call: a refused payment or the
gateway's own stores.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import orjson
from msgspec import Struct

from gateway.agents.calls import Calls, Paid
from gateway.agents.journal import RunRecords
from gateway.agents.records import Ran, Spec, ToolCall, read_arguments
from gateway.agents.tools.table import ROWS, offered
from gateway.agents.tools.tool import Arguments, ModelRows, Outside, Tool, ToolRefused, Work, cost_of
from gateway.canonical.jobs import Job
from gateway.errors import GatewayError
from gateway.ports.clock import Clock
from gateway.ports.memories import Memories

log = logging.getLogger(__name__)

NOT_ENABLED = "There is no tool '{}' in this run."
NO_OBJECT = "The arguments should be a JSON object, of at most 240 levels."
TOO_SLOW = "The tool took longer than {:.0f} s."
BROKEN = "The tool failed."
CUT = "… [the result was cut: it had {} characters]"


class ToolRunner(Struct, frozen=True):
    """Runs calls of tools for runs. `models_of` lists the models of a run's own key."""

    memories: Memories
    models_of: Callable[[Job], ModelRows]
    clock: Clock
    outside: Outside
    rows: Sequence[Tool] = ROWS

    def side_effects(self, spec: Spec) -> frozenset[str]:
        """The tools of the run whose calls change something outside."""
        return frozenset(tool.name for tool in self.offered(spec) if tool.has_side_effect)

    def offered(self, spec: Spec) -> list[Tool]:
        """The tools that the run's model is offered."""
        return offered(spec, self.rows)

    async def run(self, calls: Calls, run: RunRecords, step: int, call: ToolCall) -> Ran:
        """The result of the call, which is a failure's words where it failed."""
        remembered: dict[str, str] = {}
        paid: list[Paid] = []
        shared: dict[str, Paid] = {}
        work = Work(
            run_id=run.job.job_id,
            account_id=run.job.account_id,
            call_id=f"step/{step}/{call.id}",
            model=run.spec.model,
            documents=run.spec.rag_documents,
            memory=run.state.memory,
            remembered=remembered,
            calls=calls,
            memories=self.memories,
            models=self.models_of(run.job),
            outside=self.outside,
            clock=self.clock,
            paid=paid,
            shared=shared,
        )
        output, failed = await self._output(work, run.spec, call)
        return Ran(
            step=step,
            call_id=call.id,
            name=call.name,
            output=output,
            failed=failed,
            tokens_in=sum(each.tokens_in for each in paid),
            tokens_out=sum(each.tokens_out for each in paid),
            cost_nanousd=cost_of(paid),
            remembered=remembered,
            shared={name: (each.cost_nanousd, each.tokens_in, each.tokens_out) for name, each in shared.items()},
        )

    async def _output(self, work: Work, spec: Spec, call: ToolCall) -> tuple[str, bool]:
        tool = next((each for each in self.offered(spec) if each.name == call.name), None)
        if tool is None:
            return error_output(NOT_ENABLED.format(call.name[:100])), True
        try:
            async with asyncio.timeout(tool.time_limit_s):
                return _cut(await tool.run(work, arguments_of(call)), tool.result_characters_max), False
        except ToolRefused as refused:
            return error_output(str(refused)), True
        except TimeoutError:
            return error_output(TOO_SLOW.format(tool.time_limit_s)), True
        except GatewayError as error:
            return error_output(error.message), True
        except Exception:
            log.exception("the tool %s failed", tool.name)
            return error_output(BROKEN), True


def arguments_of(call: ToolCall) -> Arguments:
    """The arguments that the model wrote; raises `ToolRefused` for what is no object."""
    try:
        found = read_arguments(call.arguments)
    except ValueError:
        raise ToolRefused(NO_OBJECT) from None
    if not isinstance(found, dict):
        raise ToolRefused(NO_OBJECT)
    return found


def error_output(message: str) -> str:
    """A failure as the model sees it."""
    return orjson.dumps({"error": message}).decode()


def _cut(output: str, characters_max: int) -> str:
    return output if len(output) <= characters_max else output[:characters_max] + CUT.format(len(output))
