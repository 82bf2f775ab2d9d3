"""Answers of the API to the console's pages, in the shapes of the contract."""

from typing import Any

from gateway.console.pages.logs import OUTCOMES

AT = "2026-11-20T12:00:00Z"
TALLY = {"requests": 3, "input_tokens": 10, "output_tokens": 20, "cost_usd": "0.0004"}
NONE = {"requests": 0, "input_tokens": 0, "output_tokens": 0, "cost_usd": "0"}
SETTINGS = {
    "monthly_spend_cap_usd": "5",
    "rpm_limit": 60,
    "tpm_limit": None,
    "max_parallel": None,
    "user_rpm_limit": None,
    "allowed_ips": ["203.0.113.0/24"],
    "allowed_models": ["gpt-4o*"],
    "expires_at": None,
    "region_policy": "any",
    "cache": "semantic",
    "cache_threshold": 0.95,
    "alert_webhook_url": None,
    "can_manage_keys": False,
}
KEY: dict[str, Any] = {
    **SETTINGS,
    "key_id": "key_2",
    "name": "<b>prod</b>",
    "last4": "abcd",
    "created_at": AT,
    "disabled": False,
    "revoked": False,
}
ENTRY = {
    "id": "1",
    "kind": "charge",
    "amount_usd": "-0.0004",
    "created_at": AT,
    "key_id": "key_2",
    "hold_id": "hold-1",
    "request_id": "trace-1",
    "model_requested": "gpt-4o",
    "model_used": "gpt-4o",
    "tier": "managed",
    "usage": {"input_tokens": 10, "output_tokens": 20},
    "models_tried": [
        {"model": "gpt-4o", "provider": "openai", "outcome": "503 upstream_overloaded"},
        {"model": "gpt-4o", "provider": "azure", "outcome": "served"},
    ],
    "cache": "exact",
    "estimated": True,
    "note": None,
}
JOB: dict[str, Any] = {
    "id": "job_1",
    "kind": "video",
    "model": "veo-3-fast",
    "model_used": "veo-3-fast",
    "status": "succeeded",
    "progress": 100,
    "results": [{"url": "https://media.test/a.mp4?sig=1", "mime_type": "video/mp4"}],
    "charged_usd": "0.63",
    "error": None,
    "created_at": AT,
    "updated_at": AT,
}
ORGANIZATION = {"org_id": "org_1", "name": "Acme", "members": 2, "role": "owner"}
MEMBER = {
    "user_id": "user_1",
    "email": "jane@example.com",
    "role": "owner",
    "monthly_spend_cap_usd": "10",
    "spent_this_month_usd": "0.5",
}
ME = {
    "user_id": "user_1",
    "account_id": "acc_1",
    "email": "jane@example.com",
    "full_name": "Jane",
    "default_organization": None,
}
AUDIT = {
    "action": "key.changed",
    "outcome": "done",
    "created_at": AT,
    "user_id": "user_1",
    "key_id": None,
    "operator": None,
    "source": "203.0.113.7",
    "target": "key_2",
    "before": {"rpm_limit": 1, "disabled": False, "allowed_models": None},
    "after": {"rpm_limit": 2, "name": "changed", "disabled": True, "allowed_models": ["gpt-4o", "o3"]},
    "note": None,
}


def listed(*rows: Any, cursor: str | None = None) -> tuple[int, Any]:
    return 200, {"object": "list", "data": list(rows), "has_more": cursor is not None, "next_cursor": cursor}


def model(kind: str, id_: str) -> dict[str, Any]:
    pricing = {"currency": "USD", "unit": "1M tokens", "input": "2.5", "cached_input": None, "margin_percent": 5}
    return {"id": id_, "kind": kind, "owned_by": "acme", "context_window": 128000, "pricing": pricing}


SAMPLES: dict[str, Any] = {
    "GET /v1/billing/balance": (200, {"balance_usd": "12.5", "held_usd": "0.1", "suspended": False}),
    "GET /v1/billing/usage": (
        200,
        {
            "daily": [{"date": "2026-11-20", **TALLY}],
            "total": TALLY,
            "groups": [{"model": "gpt-4o", "key_id": "key_2", "user_id": None, **TALLY}],
        },
    ),
    "GET /v1/keys": listed(KEY, cursor="key_2"),
    "GET /v1/keys/key_2": (200, KEY),
    "POST /v1/keys": (201, {"full_key": "sk-xc-secret", "key": KEY}),
    "PATCH /v1/keys/key_2": (200, KEY),
    "DELETE /v1/keys/key_2": (200, KEY),
    "DELETE /v1/keys/key_1": (200, KEY),
    "GET /v1/billing/receipts": listed(
        {"payment_id": "p", "amount_usd": "20", "returned_usd": "0", "paid_at": AT, "receipt_url": "https://pay.test/r"}
    ),
    "GET /v1/billing/auto-topup": (
        200,
        {
            "enabled": True,
            "threshold_usd": "5",
            "amount_usd": "20",
            "monthly_ceiling_usd": "100",
            "failed": "card_declined",
        },
    ),
    "GET /v1/billing/alerts": (200, {"low_balance_usd": "5", "webhook_url": None}),
    "POST /v1/billing/checkout": (200, {"checkout_url": "https://pay.test/c"}),
    "PUT /v1/billing/auto-topup": (200, {}),
    "PUT /v1/billing/alerts": (200, {}),
    "GET /v1/billing/transactions": listed(
        ENTRY,
        {**ENTRY, "kind": "credit", "usage": None, "model_used": None, "models_tried": [], "tier": None},
        {
            **ENTRY,
            "tier": "byok",
            "models_tried": [{"model": "other", "provider": "a", "outcome": outcome} for outcome in sorted(OUTCOMES)],
        },
        *({**ENTRY, "kind": kind} for kind in ("refund", "dispute", "shortfall", "release")),
        # Of a request whose process has died.
        {**ENTRY, "kind": "release", "request_id": None, "models_tried": []},
        cursor="1",
    ),
    "GET /v1/generation/jobs": listed(JOB, cursor="job_1"),
    "GET /v1/generation/jobs/job_1": (200, JOB),
    "GET /v1/generation/models": listed({"id": "veo-3-fast", "kind": "video"}),
    "POST /v1/videos/generations": (202, {"job_id": "job_1"}),
    "POST /v1/generation/jobs/job_1/cancel": (200, JOB),
    "GET /v1/models": listed(model("chat", "gpt-4o"), model("image", "gpt-image-1"), model("chat", "other")),
    "GET /v1/webhooks/secret": (200, {"secret": "whsec_1", "previous_valid_until": AT}),
    "GET /v1/webhooks/deliveries": listed(
        {
            "type": "job.succeeded",
            "url": "https://a.test",
            "attempt": 1,
            "delivered": True,
            "status_code": 200,
            "error": None,
            "created_at": AT,
            "next_attempt_at": None,
        },
        {
            "type": "job.failed",
            "url": "https://a.test",
            "attempt": 1,
            "delivered": False,
            "status_code": None,
            "error": "timeout",
            "created_at": AT,
            "next_attempt_at": AT,
        },
    ),
    "POST /v1/webhooks/secret/rotate": (200, {}),
    "GET /v1/audit": listed(
        AUDIT, {**AUDIT, "outcome": "begun"}, {**AUDIT, "outcome": "refused", "note": "invalid_code"}, cursor="1"
    ),
    "GET /v1/organizations": listed(ORGANIZATION),
    "POST /v1/organizations": (201, {"organization": ORGANIZATION}),
    "GET /v1/organizations/org_1": (200, {"organization": ORGANIZATION}),
    "GET /v1/organizations/org_1/members": listed(MEMBER, {**MEMBER, "role": "developer"}, {**MEMBER, "role": "admin"}),
    "GET /v1/organizations/org_1/invitations": listed(
        {"invitation_id": "inv_1", "email": "j@example.com", "role": "developer", "status": "pending", "expires_at": AT}
    ),
    "POST /v1/organizations/org_1/invitations": (201, {}),
    "DELETE /v1/organizations/org_1/invitations/inv_1": (200, {}),
    "PATCH /v1/organizations/org_1/members/user_1": (200, {}),
    "DELETE /v1/organizations/org_1/members/user_1": (200, {}),
    "POST /v1/organizations/org_1/leave": (200, {}),
    "POST /v1/organizations/invitations/accept": (200, {"organization": ORGANIZATION}),
    "GET /operator": (
        200,
        {
            "people": 1,
            "alarms": {
                "total": 70,
                "not_ok": [
                    {"name": "MoneyLost", "state": state, "since": AT, "description": "Settlements were lost."}
                    for state in ("alarm", "insufficient_data")
                ],
            },
            "accounts": [
                {
                    "email": "op@example.com",
                    "account_id": "acc_1",
                    "created_at": AT,
                    "disabled": False,
                    "two_factor_enabled": True,
                    "balance": {"balance_usd": "1", "suspended": suspended},
                }
                for suspended in (False, True)
            ]
            + [
                {
                    "email": "x@example.com",
                    "account_id": "acc_1",
                    "created_at": AT,
                    "disabled": True,
                    "two_factor_enabled": True,
                    "balance": None,
                }
            ],
            "targets": [
                {
                    "provider": "openai",
                    "credential": "second",
                    "model": "gpt-4o",
                    "resting": resting,
                    "until": AT,
                    "in_a_row": 2,
                }
                for resting in (False, True)
            ],
            "stuck_jobs": [
                {
                    "id": "job_1",
                    "account_id": "acc_1",
                    "kind": "video",
                    "model": "veo",
                    "status": "running",
                    "due_at": AT,
                }
            ],
        },
    ),
    "GET /v1/auth/me": (200, ME),
    "GET /v1/auth/2fa/status": (200, {"enabled": True, "recovery_codes_left": 9}),
    "GET /v1/auth/sessions": listed(
        {"session_id": "s1", "user_agent": "Firefox", "ip": "203.0.113.7", "last_used_at": AT, "current": True},
        {"session_id": "s2", "user_agent": "", "ip": "203.0.113.8", "last_used_at": AT, "current": False},
    ),
    "GET /v1/auth/export": (200, {"user": ME}),
    "POST /v1/auth/deactivate": (200, {}),
    "DELETE /v1/auth/sessions/s2": (200, {}),
    "POST /v1/auth/login": (200, {"access_token": "nxa_2", "refresh_token": "nxr_2"}),
    "POST /v1/auth/refresh": (200, {"access_token": "nxa_3", "refresh_token": "nxr_3"}),
    "POST /v1/auth/logout": (200, {}),
    "POST /v1/auth/register": (202, {"registration_token": "reg_1"}),
    "POST /v1/auth/verify-email": (200, ME),
    "POST /v1/auth/forgot-password": (202, {}),
    "POST /v1/auth/reset-password": (200, {}),
    "POST /v1/auth/change-password": (200, {}),
    "PATCH /v1/auth/profile": (200, ME),
    "POST /v1/auth/2fa/setup": (200, {"secret": "BASE32", "otpauth_uri": "otpauth://totp/x"}),
    "POST /v1/auth/2fa/enable": (200, {"recovery_codes": ["a-b", "c-d"]}),
    "POST /v1/auth/2fa/disable": (200, {}),
}
# The same account before anything was done in it.
EMPTY: dict[str, Any] = {
    "GET /v1/billing/balance": (200, {"balance_usd": "0", "held_usd": "0", "suspended": True}),
    "GET /v1/billing/usage": (200, {"daily": [{"date": "2026-11-20", **NONE}], "total": NONE, "groups": []}),
    **{
        f"GET /v1/{path}": listed()
        for path in (
            *("keys", "billing/receipts", "billing/transactions", "generation/jobs", "generation/models", "models"),
            *("webhooks/deliveries", "audit", "organizations", "organizations/org_1/invitations"),
        )
    },
    "GET /v1/auth/2fa/status": (200, {"enabled": False, "recovery_codes_left": 0}),
    "GET /operator": (
        200,
        {"people": 0, "alarms": {"total": 0, "not_ok": []}, "accounts": [], "targets": [], "stuck_jobs": []},
    ),
}
