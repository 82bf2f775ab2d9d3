"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Any, Literal, Optional, Union

from nexevo_ai._models import Money, NexevoModel, Object

# Shared.


class AcceptedJob(NexevoModel):
    """A job that was accepted: ask for its state until it has ended."""

    job_id: str
    status: Union[Literal["canceled", "failed", "pending", "running", "succeeded"], str]
    kind: str
    model: str
    model_used: str
    duration_sec: Optional[float]
    created_at: str


class AwaitedCall(NexevoModel):
    """A call that waits for its owner's consent."""

    id: str
    tool_name: str
    tool_input: Any


class Balance(NexevoModel):
    """Free and held money of an account."""

    object: str
    balance_usd: Money
    held_usd: Money
    currency: str
    suspended: bool


class ChatUsage(NexevoModel):
    """Tokens of a text request."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Optional[Object] = None
    completion_tokens_details: Optional[Object] = None


class Deleted(NexevoModel):
    """Answer to a deletion."""

    id: str
    object: str
    deleted: bool


class Extension(NexevoModel):
    """The gateway's own member of an answer: what served it, and what it cost."""

    generation_id: str
    model_used: str
    models_tried: list[TriedModel]
    cache: Union[Literal["exact", "miss", "semantic"], str]
    cost_usd: Money
    tools: Optional[list[Object]] = None


class Key(NexevoModel):
    """An API key as its owner sees it; the key itself is shown once, when it is made."""

    object: str
    key_id: str
    parent_key_id: Optional[str]
    user_id: Optional[str]
    org_id: Optional[str]
    name: str
    last4: str
    created_at: str
    expires_at: Optional[str]
    disabled: bool
    revoked: bool
    can_manage_keys: bool
    monthly_spend_cap_usd: Optional[Money]
    rpm_limit: Optional[int]
    tpm_limit: Optional[int]
    max_parallel: Optional[int]
    user_rpm_limit: Optional[int]
    allowed_ips: list[str]
    allowed_models: list[str]
    region_policy: Union[Literal["any", "cn-only", "overseas-only"], str]
    alert_webhook_url: Optional[str]
    cache: Union[Literal["exact", "off", "semantic"], str]
    cache_threshold: Optional[float]


class Modalities(NexevoModel):
    """Kinds of content that a model reads and writes."""

    input: list[str]
    output: list[str]


class Model(NexevoModel):
    """A model for sale: what it can do, and its prices, whose members depend on its kind."""

    id: str
    object: str
    kind: str
    created: int
    owned_by: str
    provider: str
    pricing: Object
    context_window: Optional[int] = None
    max_output_tokens: Optional[int] = None
    modalities: Optional[Modalities] = None
    capabilities: Optional[list[str]] = None
    dimensions: Any = None
    parameters: Optional[Object] = None
    models: Optional[list[str]] = None
    knowledge: Optional[str] = None
    retires_on: Optional[str] = None
    retired_on: Optional[str] = None
    successor: Optional[str] = None
    simulated: Optional[bool] = None


class ModelList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[Model]
    has_more: bool
    next_cursor: Optional[str]


class RunError(NexevoModel):
    """Reason for which a run has failed."""

    code: str
    message: str


class Step(NexevoModel):
    """A step of a run; which members are set depends on its type."""

    type: str
    step: int
    tool_name: Optional[str]
    tool_input: Any
    tool_output: Any
    content: Optional[str]
    id: Optional[str] = None
    node_id: Optional[str] = None
    agent: Optional[str] = None
    is_error: Optional[bool] = None
    passed: Optional[bool] = None
    failed_node_ids: Optional[list[str]] = None


class TokenCounts(NexevoModel):
    """Tokens by the class that they are paid in."""

    input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    image_output_tokens: int


class Transaction(NexevoModel):
    """One entry of the account's ledger; charges are negative."""

    object: str
    id: str
    kind: str
    amount_usd: Money
    currency: str
    created_at: str
    hold_id: Optional[str]
    key_id: Optional[str]
    request_id: Optional[str]
    generation_id: Optional[str]
    user_id: Optional[str]
    org_id: Optional[str]
    model_requested: Optional[str]
    model_used: Optional[str]
    tier: Optional[str]
    price_version: Optional[str]
    cache: Optional[str]
    models_tried: list[TriedModel]
    usage: Optional[TokenCounts]
    tools: list[Object]
    estimated: bool
    note: Optional[str]
    schema_version: int


class TransactionList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[Transaction]
    has_more: bool
    next_cursor: Optional[str]


class TriedModel(NexevoModel):
    """A candidate, and what came of it: `served`, a failure, or why it was not asked."""

    model: str
    provider: str
    outcome: str
    own_key: Optional[bool] = None


AcceptedJob.model_rebuild()
AwaitedCall.model_rebuild()
Balance.model_rebuild()
ChatUsage.model_rebuild()
Deleted.model_rebuild()
Extension.model_rebuild()
Key.model_rebuild()
Modalities.model_rebuild()
Model.model_rebuild()
ModelList.model_rebuild()
RunError.model_rebuild()
Step.model_rebuild()
TokenCounts.model_rebuild()
Transaction.model_rebuild()
TransactionList.model_rebuild()
TriedModel.model_rebuild()
