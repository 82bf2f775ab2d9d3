"""Tests that a stack with a mistake in its catalog does not start, and names the wrong row."""

import argparse
import shutil
from pathlib import Path

import orjson
import pytest

from gateway.catalog import loader
from local.serve import run
from tests.catalog.rows import CHAT


def test_a_stack_with_an_unknown_provider_in_its_catalog_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models = shutil.copytree(loader.DATA, tmp_path / "models")
    (models / "chat.json").write_bytes(orjson.dumps(CHAT))
    monkeypatch.setattr(loader, "DATA", str(models))
    arguments = argparse.Namespace(
        port=0, template=Path("template.yaml"), data=tmp_path, balance=None, own_host=[], json=True
    )
    assert run(arguments) == 1
    said = capsys.readouterr()
    assert said.err.startswith(
        "python -m local: models/chat.json: model 'one': unknown provider 'lab'; known: anthropic"
    )
    assert said.out == ""
