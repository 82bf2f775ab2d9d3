"""Tests that the gateway removes the base path of a custom domain, which API Gateway leaves in the path."""

from typing import Any

import pytest

from gateway.runtime.base_path import remove_base_path


@pytest.mark.parametrize(
    ("resource", "path", "stripped"),
    [
        ("/v1/chat/completions", "/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions", "/ai/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions", "/team/ai/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions", "/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/models/{proxy+}", "/ai/v1/models/openai/gpt-5", "/v1/models/openai/gpt-5"),
        ("/v1/models/{proxy+}", "/ai/v1/models/openai%2Fgpt-5", "/v1/models/openai%2Fgpt-5"),
        ("/v1/models/{proxy+}", "/v1/models/v1/models/x", "/v1/models/v1/models/x"),
        ("/v1beta/models/{proxy+}", "/ai/v1beta/models/g:generateContent", "/v1beta/models/g:generateContent"),
        ("/v1/things/{id}", "/ai/v1/things/1", "/v1/things/1"),
        ("/v1/keys", "/ai/v1/keys/", "/v1/keys/"),
        ("/", "/", "/"),
        ("/", "/ai", "/"),
        ("/v1/keys", "/elsewhere", "/elsewhere"),
        (None, "/ai/v1/keys", "/ai/v1/keys"),
    ],
)
def test_the_path_is_left_as_the_resource_has_it(resource: str | None, path: str, stripped: str) -> None:
    event: dict[str, Any] = {"path": path, "httpMethod": "GET"} | ({"resource": resource} if resource else {})
    remove_base_path(event)
    assert event["path"] == stripped
