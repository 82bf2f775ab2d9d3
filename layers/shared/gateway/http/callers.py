"""Says which endpoint takes which kind of caller. An endpoint without a row here is not served.

A caller is a stranger, who shows nothing; a key; a manager, which is a key that manages its account; or a session, that
is a signed-in person. A row lists the kinds that the endpoint takes: any other is refused before its body is read. A
path that also answers without `/v1` has one row. The tests ask every endpoint as every kind, by this table.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["stranger", "key", "manager", "session"]
Callers = frozenset[Kind]

STRANGERS: Callers = frozenset({"stranger"})
KEYS: Callers = frozenset({"key", "manager"})
# Account, keys, billing and organizations: contract, section 1.
MANAGERS: Callers = frozenset({"manager", "session"})
SESSIONS: Callers = frozenset({"session"})

_ROWS: dict[Callers, tuple[str, ...]] = {
    STRANGERS: (
        *("GET /", "HEAD /", "GET /health", "HEAD /health", "GET /openapi.json"),
        "GET /v1beta/{resource...}",
        "POST /v1/callbacks/{provider}/{job_id}/{attempt}",
        *("POST /v1/auth/register", "POST /v1/auth/verify-email", "POST /v1/auth/login", "POST /v1/auth/refresh"),
        *("POST /v1/auth/forgot-password", "POST /v1/auth/reset-password", "POST /v1/billing/webhook"),
    ),
    SESSIONS: (
        *("POST /v1/auth/logout", "GET /v1/auth/sessions", "DELETE /v1/auth/sessions/{session_id}"),
        *("GET /v1/auth/export", "POST /v1/auth/deactivate"),
        *("POST /v1/organizations/invitations/accept", "POST /v1/organizations/invitations/decline"),
        *("DELETE /v1/organizations/{org_id}", "POST /v1/organizations/{org_id}/leave"),
    ),
    MANAGERS: (
        *("POST /v1/organizations", "GET /v1/organizations"),
        *("GET /v1/organizations/{org_id}", "PATCH /v1/organizations/{org_id}"),
        "POST /v1/organizations/{org_id}/transfer-ownership",
        *("POST /v1/organizations/{org_id}/invitations", "GET /v1/organizations/{org_id}/invitations"),
        "DELETE /v1/organizations/{org_id}/invitations/{invitation_id}",
        *("GET /v1/organizations/{org_id}/members", "PATCH /v1/organizations/{org_id}/members/{user_id}"),
        "DELETE /v1/organizations/{org_id}/members/{user_id}",
        *("GET /v1/auth/me", "PATCH /v1/auth/profile", "POST /v1/auth/change-password"),
        *("GET /v1/auth/2fa/status", "POST /v1/auth/2fa/setup", "POST /v1/auth/2fa/enable"),
        "POST /v1/auth/2fa/disable",
        "GET /v1/audit",
        *("POST /v1/keys", "GET /v1/keys"),
        *("GET /v1/keys/{key_id}", "PATCH /v1/keys/{key_id}", "DELETE /v1/keys/{key_id}"),
        *("POST /v1/keys/{key_id}/revoke", "PATCH /v1/keys/{key_id}/spend-cap"),
        *("PATCH /v1/keys/{key_id}/alert-webhook", "PATCH /v1/keys/{key_id}/region-policy"),
        *("POST /v1/provider-keys", "GET /v1/provider-keys", "GET /v1/provider-keys/{provider_key_id}"),
        *("PATCH /v1/provider-keys/{provider_key_id}", "DELETE /v1/provider-keys/{provider_key_id}"),
        "POST /v1/provider-keys/{provider_key_id}/test",
        *("POST /v1/mcp/servers", "GET /v1/mcp/servers", "GET /v1/mcp/servers/{mcp_server_id}"),
        *("DELETE /v1/mcp/servers/{mcp_server_id}", "POST /v1/mcp/servers/{mcp_server_id}/refresh"),
        *("GET /v1/billing/balance", "GET /v1/billing/transactions", "GET /v1/billing/usage"),
        *("GET /v1/billing/plan", "GET /v1/billing/plans", "GET /v1/billing/upgrade-hint"),
        *("POST /v1/billing/topup", "POST /v1/billing/checkout", "GET /v1/billing/receipts"),
        *("GET /v1/billing/auto-topup", "PUT /v1/billing/auto-topup"),
        *("GET /v1/billing/alerts", "PUT /v1/billing/alerts"),
        *("GET /v1/webhooks/secret", "POST /v1/webhooks/secret/rotate", "GET /v1/webhooks/deliveries"),
    ),
    KEYS: (
        *("POST /v1/chat/completions", "POST /v1/completions", "POST /v1/route"),
        *("POST /v1/messages", "POST /v1/messages/count_tokens"),
        *("POST /v1beta/models/{call...}", "POST /v1/models/{call...}", "POST /v1beta/tunedModels/{call...}"),
        *("POST /v1/responses", "POST /v1/responses/compact", "POST /v1/responses/input_tokens"),
        *("GET /v1/responses/{response_id}", "DELETE /v1/responses/{response_id}"),
        *("POST /v1/responses/{response_id}/cancel", "GET /v1/responses/{response_id}/input_items"),
        *("POST /v1/conversations", "GET /v1/conversations", "GET /v1/conversations/{conversation_id}"),
        *("POST /v1/conversations/{conversation_id}", "PATCH /v1/conversations/{conversation_id}"),
        *("DELETE /v1/conversations/{conversation_id}", "POST /v1/conversations/{conversation_id}/messages"),
        *("POST /v1/conversations/{conversation_id}/items", "GET /v1/conversations/{conversation_id}/items"),
        *("GET /v1/memory", "DELETE /v1/memory/{key...}"),
        *("POST /v1/feedback", "GET /v1/feedback/summary"),
        *("GET /v1/cache/stats", "DELETE /v1/cache"),
        "GET /v1/conversations/{conversation_id}/items/{item_id}",
        "DELETE /v1/conversations/{conversation_id}/items/{item_id}",
        *("POST /v1/embeddings", "POST /v1/embed", "POST /v2/embed", "POST /v1/rerank", "POST /v2/rerank"),
        "POST /v1/moderations",
        *("POST /v1/audio/speech", "POST /v1/audio/transcriptions", "POST /v1/audio/translations"),
        *("POST /v1/images/generations", "POST /v1/images/edits"),
        "POST /v1/images/variations",
        *("GET /v1/models", "GET /v1/models/{model_id...}", "GET /v1beta/models", "GET /v1beta/models/{model_id...}"),
        *("POST /v1/files/presign", "POST /v1/generation/upload", "POST /v1/files", "GET /v1/files"),
        *("GET /v1/files/{file_id}", "GET /v1/files/{file_id}/content", "DELETE /v1/files/{file_id}"),
        *("POST /v1/videos/generations", "POST /v1/videos", "GET /v1/videos", "GET /v1/videos/{video_id}"),
        *("DELETE /v1/videos/{video_id}", "GET /v1/videos/{video_id}/content", "POST /v1/3d/generations"),
        *("GET /v1/generation/models", "GET /v1/generation/jobs", "GET /v1/generation/jobs/{job_id}"),
        "POST /v1/generation/jobs/{job_id}/cancel",
        *("POST /v1/agents/run", "GET /v1/agents/run/stream", "POST /v1/agents/run/stream"),
        "POST /v1/realtime/client_secrets",
        *("POST /v1/tasks", "GET /v1/tasks", "GET /v1/tasks/{task_id}"),
        *("POST /v1/tasks/{task_id}/confirm", "POST /v1/tasks/{task_id}/cancel"),
    ),
}
TABLE: dict[str, Callers] = {row: callers for callers, rows in _ROWS.items() for row in rows}


def callers_of(method: str, path: str) -> Callers:
    """The callers that an endpoint takes, by its method and the pattern of its path; raises `LookupError`."""
    row = TABLE.get(f"{method} {path}") or TABLE.get(f"{method} /v1{path}")
    if row is None:
        raise LookupError(f"{method} {path} has no row in gateway/http/callers.py")
    return row
