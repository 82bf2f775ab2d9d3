"""Judges all roles by the calls that the stack's tests have recorded: `python -m tests.roles`, after those tests."""

import sys

from tests.roles.judge import CALLS, asking, functions, recorded, refused, unused


def main() -> int:
    """1 where a role allows too little or too much, or where not every function was heard of."""
    made = recorded(sorted(CALLS.glob("*.jsonl")))
    silent = sorted(asking() - {call.function for call in made})
    for call in refused(made):
        print(f"{call.function} may not {call.action} on {call.resource}")  # noqa: T201  # a command's answer
    for family, action, resource in unused(made):
        print(f"{family} is allowed {action} on {resource} and never asks for it")  # noqa: T201  # a command's answer
    for name in silent:
        print(f"{name} was never heard of; run the stack's tests first")  # noqa: T201  # a command's answer
    actions = {(call.function, call.action) for call in made}
    print(f"{len(functions())} roles, {len(actions)} functions' actions in {len(made)} calls")  # noqa: T201  # as above
    return 1 if refused(made) or unused(made) or silent else 0


if __name__ == "__main__":
    sys.exit(main())
