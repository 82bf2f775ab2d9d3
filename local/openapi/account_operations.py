"""Operations of accounts: people, keys, money, organizations, what is kept, jobs, runs."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.agents.requests import RunBody, TaskBody
from gateway.http.calls import Page
from local.openapi.operation import EVENTS, FORM, JSON, Operation, op
from local.openapi.shapes import account as a
from local.openapi.shapes import catalog, runs
from local.openapi.shapes import kept as k
from local.openapi.shapes import money as m
from local.openapi.shapes.base import Json
from local.openapi.shapes.requests import FileForm, UploadForm, VideoForm

PROVIDERS = "Providers call it when a job has changed."
STRIPE = "Stripe calls it; its signature tells it from others."

ACCOUNT: Mapping[str, Operation] = {
    "GET /": op("root", catalog.Root, why_none="It is for people and for clients that look for life."),
    "HEAD /": op("root.head", None, answers={}, why_none="As GET."),
    "GET /health": op("health", catalog.Health),
    "HEAD /health": op("health.head", None, answers={}, why_none="As GET."),
    "GET /openapi.json": op("openapi", Json),
    # People.
    "POST /v1/auth/register": op("auth.register", a.LetterSent, status=202),
    "POST /v1/auth/verify-email": op("auth.verify_email", a.User),
    "POST /v1/auth/login": op("auth.login", a.SessionTokens),
    "POST /v1/auth/refresh": op("auth.refresh", a.SessionTokens),
    "POST /v1/auth/forgot-password": op("auth.forgot_password", a.LetterSent, status=202),
    "POST /v1/auth/reset-password": op("auth.reset_password", a.PasswordChanged),
    "GET /v1/auth/me": op("auth.me", a.User),
    "PATCH /v1/auth/profile": op("auth.update_profile", a.User),
    "POST /v1/auth/change-password": op("auth.change_password", a.PasswordChanged),
    "GET /v1/auth/2fa/status": op("auth.two_fa_status", a.TwoFactorStatus),
    "POST /v1/auth/2fa/setup": op("auth.two_fa_setup", a.TwoFactorSetup),
    "POST /v1/auth/2fa/enable": op("auth.two_fa_enable", a.TwoFactorEnabled),
    "POST /v1/auth/2fa/disable": op("auth.two_fa_disable", a.TwoFactorStatus),
    "GET /v1/auth/export": op("auth.export", a.AccountExport),
    "POST /v1/auth/deactivate": op("auth.deactivate", a.Deactivated),
    "POST /v1/auth/logout": op("auth.logout", a.SessionEnded),
    "GET /v1/auth/sessions": op("auth.list_sessions", a.SessionList),
    "DELETE /v1/auth/sessions/{session_id}": op("auth.revoke_session", a.SessionEnded),
    "GET /v1/audit": op("audit.list", a.AuditEntryList),
    # Keys.
    "POST /v1/keys": op("keys.create", a.CreatedKey, status=201),
    "GET /v1/keys": op("keys.list", a.KeyList),
    "GET /v1/keys/{key_id}": op("keys.get", a.Key),
    "PATCH /v1/keys/{key_id}": op("keys.update", a.Key),
    "DELETE /v1/keys/{key_id}": op("keys.delete", a.Key),
    "POST /v1/keys/{key_id}/revoke": op("keys.revoke", a.Key),
    "PATCH /v1/keys/{key_id}/spend-cap": op("keys.update_spend_cap", a.Key),
    "PATCH /v1/keys/{key_id}/alert-webhook": op("keys.update_alert_webhook", a.Key),
    "PATCH /v1/keys/{key_id}/region-policy": op("keys.update_region_policy", a.Key),
    "POST /v1/provider-keys": op("provider_keys.create", a.ProviderKey, status=201),
    "GET /v1/provider-keys": op("provider_keys.list", a.ProviderKeyList),
    "GET /v1/provider-keys/{provider_key_id}": op("provider_keys.get", a.ProviderKey),
    "PATCH /v1/provider-keys/{provider_key_id}": op("provider_keys.update", a.ProviderKey),
    "DELETE /v1/provider-keys/{provider_key_id}": op("provider_keys.delete", a.ProviderKey),
    "POST /v1/provider-keys/{provider_key_id}/test": op("provider_keys.test", a.ProviderKey),
    "POST /v1/mcp/servers": op("mcp_servers.create", a.McpServer, status=201),
    "GET /v1/mcp/servers": op("mcp_servers.list", a.McpServerList),
    "GET /v1/mcp/servers/{mcp_server_id}": op("mcp_servers.get", a.McpServer),
    "DELETE /v1/mcp/servers/{mcp_server_id}": op("mcp_servers.delete", a.McpServer),
    "POST /v1/mcp/servers/{mcp_server_id}/refresh": op("mcp_servers.refresh", a.McpServer),
    # Money.
    "GET /v1/billing/balance": op("billing.balance", m.Balance),
    "GET /v1/billing/transactions": op("billing.transactions", m.TransactionList),
    "GET /v1/billing/usage": op(
        "billing.usage", m.UsageReport, answers={JSON: m.UsageReport, "text/csv; charset=utf-8": None}
    ),
    "GET /v1/billing/plan": op("billing.get_plan", m.Plan),
    "GET /v1/billing/plans": op("billing.plans", m.PlanList),
    "GET /v1/billing/upgrade-hint": op("billing.upgrade_hint", m.UpgradeHint),
    "POST /v1/billing/topup": op("billing.topup", m.Checkout),
    "POST /v1/billing/checkout": op("billing.checkout", m.Checkout),
    "GET /v1/billing/receipts": op("billing.receipts", m.ReceiptList),
    "GET /v1/billing/auto-topup": op("billing.get_auto_topup", m.AutoTopUpView),
    "PUT /v1/billing/auto-topup": op("billing.set_auto_topup", m.AutoTopUpView),
    "GET /v1/billing/alerts": op("billing.get_alerts", m.BillingAlerts),
    "PUT /v1/billing/alerts": op("billing.set_alerts", m.BillingAlerts),
    "POST /v1/billing/webhook": op("billing.webhook", Json, why_none=STRIPE, body=Json),
    # Organizations.
    "POST /v1/organizations": op("organizations.create", a.OrganizationAnswer, status=201),
    "GET /v1/organizations": op("organizations.list", a.OrganizationList),
    "POST /v1/organizations/invitations/accept": op("organizations.accept_invitation", a.OrganizationAnswer),
    "POST /v1/organizations/invitations/decline": op("organizations.decline_invitation", a.InvitationAnswer),
    "GET /v1/organizations/{org_id}": op("organizations.get", a.OrganizationAnswer),
    "PATCH /v1/organizations/{org_id}": op("organizations.update", a.OrganizationAnswer),
    "DELETE /v1/organizations/{org_id}": op("organizations.delete", a.OrganizationDeleted),
    "POST /v1/organizations/{org_id}/transfer-ownership": op("organizations.transfer_owner", a.OrganizationAnswer),
    "POST /v1/organizations/{org_id}/leave": op("organizations.leave", a.MemberAnswer),
    "POST /v1/organizations/{org_id}/invitations": op("organizations.invite_member", a.InvitationAnswer, status=201),
    "GET /v1/organizations/{org_id}/invitations": op("organizations.list_invitations", a.InvitationList),
    "DELETE /v1/organizations/{org_id}/invitations/{invitation_id}": op(
        "organizations.revoke_invitation", a.InvitationAnswer
    ),
    "GET /v1/organizations/{org_id}/members": op("organizations.list_members", a.MemberList),
    "PATCH /v1/organizations/{org_id}/members/{user_id}": op("organizations.update_member", a.MemberAnswer),
    "DELETE /v1/organizations/{org_id}/members/{user_id}": op("organizations.remove_member", a.MemberAnswer),
    # Webhooks.
    "GET /v1/webhooks/secret": op("webhooks.get_secret", a.WebhookSecret),
    "POST /v1/webhooks/secret/rotate": op("webhooks.rotate_secret", a.WebhookSecret),
    "GET /v1/webhooks/deliveries": op("webhooks.deliveries", a.WebhookDeliveryList),
    # What is kept.
    "POST /v1/conversations": op("conversations.create", k.Conversation),
    "GET /v1/conversations": op("conversations.list", k.ConversationList),
    "GET /v1/conversations/{conversation_id}": op("conversations.get", k.ConversationDetail),
    "POST /v1/conversations/{conversation_id}": op(
        "conversations.post_changes", k.Conversation, why_none="OpenAI's SDKs send it so; conversations.update patches."
    ),
    "PATCH /v1/conversations/{conversation_id}": op("conversations.update", k.Conversation),
    "DELETE /v1/conversations/{conversation_id}": op("conversations.delete", k.ConversationDeleted),
    "POST /v1/conversations/{conversation_id}/messages": op("conversations.append_message", k.ConversationMessage),
    "POST /v1/conversations/{conversation_id}/items": op("conversations.create_items", k.ItemList),
    "GET /v1/conversations/{conversation_id}/items": op("conversations.list_items", k.ItemList),
    "GET /v1/conversations/{conversation_id}/items/{item_id}": op("conversations.get_item", k.Item),
    "DELETE /v1/conversations/{conversation_id}/items/{item_id}": op("conversations.delete_item", k.Conversation),
    "GET /v1/memory": op("memory.list", k.MemoryList),
    "DELETE /v1/memory/{key...}": op("memory.delete", k.MemoryDeleted),
    "POST /v1/realtime/client_secrets": op("realtime.client_secrets.create", k.ClientSecret),
    "POST /v1/feedback": op("feedback.submit", k.Feedback),
    "GET /v1/feedback/summary": op("feedback.summary", k.FeedbackSummary),
    "GET /v1/cache/stats": op("cache.stats", k.CacheStats),
    "DELETE /v1/cache": op("cache.delete", k.CacheDeleted),
    # Files.
    "POST /v1/files/presign": op("files.presign", k.PresignedUpload, status=201),
    "POST /v1/generation/upload": op(
        "generation.uploads.upload", k.Upload, status=201, body=UploadForm, body_types=(FORM,)
    ),
    "POST /v1/files": op("files.create", k.File, body=FileForm, body_types=(FORM,)),
    "GET /v1/files": op("files.list", k.FileList),
    "GET /v1/files/{file_id}": op("files.get", k.File),
    "GET /v1/files/{file_id}/content": op("files.content", None, answers={}, status=302),
    "DELETE /v1/files/{file_id}": op("files.delete", a.Deleted),
    # Jobs.
    "POST /v1/videos/generations": op("videos.generate", k.AcceptedJob, status=202),
    "POST /v1/3d/generations": op("models3d.generate", k.AcceptedJob, status=202),
    "GET /v1/generation/models": op("generation.models", catalog.ModelList),
    "GET /v1/generation/jobs": op("jobs.list", k.JobList),
    "GET /v1/generation/jobs/{job_id}": op("jobs.get", k.Job),
    "POST /v1/generation/jobs/{job_id}/cancel": op("jobs.cancel", k.Job),
    "POST /v1/videos": op("videos.create", k.Video, body=VideoForm, body_types=(JSON, FORM)),
    "GET /v1/videos": op("videos.list", k.VideoList),
    "GET /v1/videos/{video_id}": op("videos.get", k.Video),
    "GET /v1/videos/{video_id}/content": op("videos.content", None, answers={}, status=302),
    "DELETE /v1/videos/{video_id}": op("videos.delete", a.Deleted),
    "POST /v1/callbacks/{provider}/{job_id}/{attempt}": op("callbacks", Json, why_none=PROVIDERS, body=Json),
    # Runs.
    "POST /v1/agents/run": op(
        "agents.run",
        runs.Run,
        begun=runs.Run,
        body=RunBody,
        summary="Begins a run of an agent; waits for it unless told not to.",
    ),
    "POST /v1/agents/run/stream": op(
        "agents.run_stream",
        None,
        answers={EVENTS: runs.RunEvent},
        body=RunBody,
        headers=("Last-Event-ID",),
        summary="Begins a run of an agent and streams its steps; with Last-Event-ID goes on with an earlier one.",
    ),
    "GET /v1/agents/run/stream": op(
        "agents.resume_stream",
        None,
        answers={EVENTS: runs.RunEvent},
        headers=("Last-Event-ID",),
        summary="Goes on with the stream of a run behind the event that Last-Event-ID names.",
    ),
    "POST /v1/tasks": op(
        "tasks.submit",
        runs.Task,
        begun=runs.Task,
        body=TaskBody,
        summary="Begins a task; waits for it unless told not to.",
    ),
    "GET /v1/tasks": op(
        "tasks.list", runs.RunList, query={"page": Page}, summary="Lists tasks and runs of agents, newest first."
    ),
    "GET /v1/tasks/{task_id}": op("tasks.get", runs.Task, summary="Shows a task or a run of an agent."),
    "POST /v1/tasks/{task_id}/confirm": op(
        "tasks.confirm", runs.Task, summary="Lets a task go on that waits for its owner's consent."
    ),
    "POST /v1/tasks/{task_id}/cancel": op("tasks.cancel", runs.Task, summary="Cancels a task or a run of an agent."),
}
