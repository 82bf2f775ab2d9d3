"""Holds the parts that OpenAI's two wires share: keys, headers, models, error bodies.

Texts and codes are those of recorded answers of the real service.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from local.providers.json_value import Json, JsonValue
from local.providers.wire import Call, Headers, Refusal, Reply, json_reply

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}

_SNAPSHOTS = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "o1": "o1-2024-12-17",
    "o3": "o3-2025-04-16",
    "o3-mini": "o3-mini-2025-01-31",
    "o4-mini": "o4-mini-2025-04-16",
    "gpt-3.5-turbo": "gpt-3.5-turbo-0125",
}
_LISTED = (*_SNAPSHOTS, "gpt-5-nano", "gpt-5.2-chat-latest", "chatgpt-4o-latest")
_REASONING = re.compile(r"(o\d|gpt-5)(?!.*-chat)")
# https://platform.openai.com/docs/models: the models of the Responses endpoint only, and those that cannot stream.
_NO_CHAT = re.compile(r"(o\d|gpt-5[.\d]*)-pro|gpt-5[.\d]*-codex|codex-|computer-use-")
_NO_STREAM = re.compile(r"(o\d|gpt-5[.\d]*)-pro")
_EFFORT_TOKENS = {"none": 0, "minimal": 0, "low": 64, "medium": 128, "high": 256, "xhigh": 512, "max": 512}


@dataclass(frozen=True, slots=True)
class Dialect:
    """A provider row that speaks OpenAI's wire: its path, key, models, and its differences from OpenAI.

    `table` names its constraints. `thought` is the member that shows the reasoning of models that `thinks` fits.
    `own_cache_fields` adds DeepSeek's counts, `odd` makes of an answer or a chunk what the row sends, `error` of a
    status and an error its body. `unknown` are members that it refuses, `comment` stands before each content of a
    stream, and a stream that `always_counts` need not be asked to. `path` is where it serves chat, below its prefix;
    `key_header` has its key.
    """

    row: str
    prefix: str
    api_key: str
    models: re.Pattern[str]
    listed: tuple[str, ...]
    table: str = "openai_chat"
    thought: str = ""
    thinks: re.Pattern[str] = re.compile("(?!)")
    own_cache_fields: bool = False
    odd: Callable[[Json], Json] | None = None
    error: Callable[[int, Json], tuple[int, Json]] | None = None
    unknown: tuple[str, ...] = ()
    comment: bytes = b""
    always_counts: bool = False
    path: str = "(/v1|/beta)?/chat/completions"
    key_header: str = "authorization"


OPENAI = Dialect(
    row="openai",
    prefix="/openai/v1",
    api_key="sim-openai-key-0001",
    models=re.compile(r"(ft:)?(gpt-|o\d|chatgpt-|codex-|computer-use-).+|o\d"),
    listed=_LISTED,
)
DEEPSEEK = Dialect(
    row="deepseek",
    prefix="/deepseek",
    api_key="sim-deepseek-key-0001",
    models=re.compile(r"deepseek-.+"),
    listed=("deepseek-chat", "deepseek-reasoner"),
    table="deepseek",
    thought="reasoning_content",
    thinks=re.compile(".*-reasoner"),
    own_cache_fields=True,
)


def snapshot(model: str) -> str:
    """Returns the dated name under which OpenAI answers for an alias."""
    return _SNAPSHOTS.get(model, model)


def reasons(model: str, dialect: Dialect) -> bool:
    """True if the model thinks before it answers."""
    return counts_completion_tokens(model) or dialect.thinks.fullmatch(model) is not None


def counts_completion_tokens(model: str) -> bool:
    """True if OpenAI refuses `max_tokens` and `temperature` for the model."""
    return bool(_REASONING.match(model))


def reasoning_tokens(model: str, effort: JsonValue, dialect: Dialect = OPENAI) -> int:
    """Returns the length of the simulated thinking. The default effort is medium, and none since gpt-5.1."""
    if not reasons(model, dialect):
        return 0
    default = "none" if re.match(r"gpt-5\.\d", model) else "medium"
    return _EFFORT_TOKENS.get(str(effort or default), _EFFORT_TOKENS["medium"])


def refusal(status: int, message: str, code: str | None = None, param: str | None = None) -> Refusal:
    """Builds an error in OpenAI's shape."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    kind = "insufficient_quota" if code == "insufficient_quota" else kind
    return Refusal(status, error_body(message, kind, code or _CODES.get(status), param))


def error_body(message: str, kind: str, code: str | None, param: str | None = None) -> Json:
    """Builds the error object of every OpenAI answer that is not a success."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def authorize(dialect: Dialect, call: Call) -> None:
    """Refuses a request without the row's key, with OpenAI's text."""
    given = call.headers.get(dialect.key_header, "")
    if dialect.key_header != "authorization" and given:
        given = f"Bearer {given}"
    if not given:
        message = (
            "You didn't provide an API key. You need to provide your API key in an Authorization header "
            "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        )
        raise Refusal(401, error_body(message, "invalid_request_error", None))
    if given != f"Bearer {dialect.api_key}":
        shown = given.removeprefix("Bearer ")[-4:]
        message = (
            f"Incorrect API key provided: ***{shown}. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
        )
        raise Refusal(401, error_body(message, "invalid_request_error", "invalid_api_key"))


def require_model(dialect: Dialect, model: JsonValue) -> str:
    """Returns the requested model, or raises OpenAI's refusal of a missing or unknown one."""
    if model is None or model == "":
        raise Refusal(400, error_body("you must provide a model parameter", "invalid_request_error", None))
    if not isinstance(model, str):
        message = "Invalid type for 'model': expected a string."
        raise refusal(400, message, "invalid_type", "model")
    if not dialect.models.fullmatch(model):
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise refusal(404, message, "model_not_found")
    return model


def require_chat_model(model: str) -> None:
    """Refuses a model of the Responses wire on the chat wire."""
    if _NO_CHAT.match(model):
        message = (
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
            "Did you mean to use v1/completions?"
        )
        raise refusal(404, message, param="model")


def require_streaming_model(model: str) -> None:
    """Refuses to stream the professional models, which only answer whole."""
    if _NO_STREAM.match(model):
        message = "Unsupported value: 'stream' does not support true with this model. Supported values are: false."
        raise refusal(400, message, "unsupported_value", "stream")


def headers(call: Call) -> Headers:
    """Builds the headers that OpenAI adds to every answer."""
    return (
        ("x-request-id", call.unique_id("req_", 32)),
        ("openai-version", "2020-10-01"),
        ("openai-processing-ms", "5"),
        ("x-ratelimit-limit-requests", "30000"),
        ("x-ratelimit-remaining-requests", "29999"),
        ("x-ratelimit-reset-requests", "2ms"),
    )


def list_models(dialect: Dialect, _call: Call) -> Reply:
    """Answers `GET /models`."""
    return json_reply({"object": "list", "data": [_model(dialect, name) for name in dialect.listed]})


def get_model(dialect: Dialect, call: Call) -> Reply:
    """Answers `GET /models/{model}`."""
    return json_reply(_model(dialect, require_model(dialect, call.params["model"])))


def _model(dialect: Dialect, name: str) -> Json:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": dialect.row}
