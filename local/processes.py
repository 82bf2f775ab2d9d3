"""`python -m local processes`: the function processes of a running stack, from the register that it keeps."""

import argparse
from pathlib import Path

import orjson

# Beside the data; written by children.py, removed when the stack ends in whichever way.
REGISTER = "processes.json"


def run(arguments: argparse.Namespace) -> int:
    """Prints them; none where no stack runs."""
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
