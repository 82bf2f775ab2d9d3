"""Prints the function processes of a running stack (`python -m local processes`) from the stack's register."""

import argparse
from pathlib import Path

import orjson

# Written by children.py beside the data, and removed at every end of the stack.
REGISTER = "processes.json"


def run(arguments: argparse.Namespace) -> int:
    """Prints the processes, or none if no stack runs."""
    document = _document(arguments.data)
    if arguments.json:
        print(document.decode())
        return 0
    for row in orjson.loads(document)["processes"]:
        print(f"{row['pid']:>8}  {row['family']:<16} {row['function']}")
    return 0


def _document(data: Path) -> bytes:
    register = data / REGISTER
    return register.read_bytes() if register.is_file() else orjson.dumps({"processes": []})
