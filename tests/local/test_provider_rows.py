"""Tests of what an environment makes of providers: a real one by its key, an operator's own by its address."""

from __future__ import annotations

import orjson

from local.provider_rows import choose

SIMULATED = {"openai": {"api_key": "simulated", "base_url": "http://127.0.0.1:1/openai/v1"}}


def test_an_address_in_the_environment_adds_a_provider_without_a_key() -> None:
    rows = choose(SIMULATED, {"CUSTOM_OLLAMA_BASE_URL": "http://127.0.0.1:11434/v1", "CUSTOM_GPU_API_KEY": "k"})
    assert rows.configured == {"custom/ollama": {"base_url": "http://127.0.0.1:11434/v1"}}
    assert rows.states() == {"custom/ollama": "configured", "openai": "simulated"}
    assert orjson.loads(rows.secret()).keys() == {"custom/ollama", "openai"}


def test_an_address_in_the_environment_may_have_a_key_beside_it() -> None:
    environment = {"CUSTOM_GPU_BASE_URL": "http://10.0.0.2/v1", "CUSTOM_GPU_API_KEY": "k"}
    assert choose({}, environment).configured == {"custom/gpu": {"base_url": "http://10.0.0.2/v1", "api_key": "k"}}


def test_a_vendors_address_alone_still_has_a_key() -> None:
    rows = choose(SIMULATED, {"GROQ_BASE_URL": "http://127.0.0.1:2/v1", "AZURE_API_KEY": "k", "AZURE_RESOURCE": "r"})
    assert rows.configured == {
        "azure": {"api_key": "k", "resource": "r"},
        "groq": {"api_key": "none", "base_url": "http://127.0.0.1:2/v1"},
    }
