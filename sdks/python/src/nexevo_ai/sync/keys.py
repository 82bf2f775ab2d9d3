"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Optional

from nexevo_ai._request import call_of, path_part
from nexevo_ai._sync.answers import SyncPage
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai.types.keys import CreatedKey
from nexevo_ai.types.shared import Key

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.keys import (
        KeysCreateParams,
        KeysDeleteParams,
        KeysGetParams,
        KeysListParams,
        KeysRevokeParams,
        KeysUpdateAlertWebhookParams,
        KeysUpdateParams,
        KeysUpdateRegionPolicyParams,
        KeysUpdateSpendCapParams,
    )


class KeysResource(Resource):
    """Methods of `client.keys`."""

    def create(self, name: str, **params: Unpack[KeysCreateParams]) -> CreatedKey:
        """Creates a key, for a person without a balance too; shown once, and in repeats of its Idempotency-Key."""
        call = call_of(
            "POST",
            "/v1/keys",
            {"name": name, **params},
            body=(
                "name",
                "monthly_spend_cap_usd",
                "rpm_limit",
                "tpm_limit",
                "max_parallel",
                "user_rpm_limit",
                "allowed_ips",
                "allowed_models",
                "expires_at",
                "region_policy",
                "alert_webhook_url",
                "can_manage_keys",
                "disabled",
                "cache",
                "cache_threshold",
            ),
            is_once=True,
        )
        answer: CreatedKey = self._ask(call, kind=CreatedKey)
        return answer

    def list(self, **params: Unpack[KeysListParams]) -> SyncPage[Key]:
        """Lists the account's keys, newest first, revoked ones included."""
        call = call_of("GET", "/v1/keys", {**params}, query=("limit", "cursor"))
        answer: SyncPage[Key] = self._ask(call, element=Key)
        return answer

    def get(self, key_id: str, **params: Unpack[KeysGetParams]) -> Key:
        """Shows a key."""
        call = call_of("GET", f"/v1/keys/{path_part(key_id)}", {**params})
        answer: Key = self._ask(call, kind=Key)
        return answer

    def update(self, key_id: str, **params: Unpack[KeysUpdateParams]) -> Key:
        """Changes the settings that are given."""
        call = call_of(
            "PATCH",
            f"/v1/keys/{path_part(key_id)}",
            {**params},
            body=(
                "name",
                "monthly_spend_cap_usd",
                "rpm_limit",
                "tpm_limit",
                "max_parallel",
                "user_rpm_limit",
                "allowed_ips",
                "allowed_models",
                "expires_at",
                "region_policy",
                "alert_webhook_url",
                "can_manage_keys",
                "disabled",
                "cache",
                "cache_threshold",
            ),
        )
        answer: Key = self._ask(call, kind=Key)
        return answer

    def delete(self, key_id: str, **params: Unpack[KeysDeleteParams]) -> Key:
        """Revokes a key for good, with the keys that it has made; they start nothing new after 5 s."""
        call = call_of("DELETE", f"/v1/keys/{path_part(key_id)}", {**params}, query=("keep_made",))
        answer: Key = self._ask(call, kind=Key)
        return answer

    def revoke(self, key_id: str, **params: Unpack[KeysRevokeParams]) -> Key:
        """Revokes a key for good, with the keys that it has made; they start nothing new after 5 s."""
        call = call_of("POST", f"/v1/keys/{path_part(key_id)}/revoke", {**params}, query=("keep_made",), is_once=True)
        answer: Key = self._ask(call, kind=Key)
        return answer

    def update_spend_cap(self, key_id: str, **params: Unpack[KeysUpdateSpendCapParams]) -> Key:
        """Sets the key's bound on spend in a calendar month."""
        call = call_of(
            "PATCH", f"/v1/keys/{path_part(key_id)}/spend-cap", {**params}, body=("monthly_spend_cap_usd", "clear")
        )
        answer: Key = self._ask(call, kind=Key)
        return answer

    def update_alert_webhook(
        self, key_id: str, url: Optional[str], **params: Unpack[KeysUpdateAlertWebhookParams]
    ) -> Key:
        """Sets the destination of the key's alerts."""
        call = call_of("PATCH", f"/v1/keys/{path_part(key_id)}/alert-webhook", {"url": url, **params}, body=("url",))
        answer: Key = self._ask(call, kind=Key)
        return answer

    def update_region_policy(
        self,
        key_id: str,
        region_policy: Literal["any", "cn-only", "overseas-only"],
        **params: Unpack[KeysUpdateRegionPolicyParams],
    ) -> Key:
        """Sets the regions in which the key's requests may be served."""
        call = call_of(
            "PATCH",
            f"/v1/keys/{path_part(key_id)}/region-policy",
            {"region_policy": region_policy, **params},
            body=("region_policy",),
        )
        answer: Key = self._ask(call, kind=Key)
        return answer
