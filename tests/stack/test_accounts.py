"""People on the whole stack by plain HTTP: from a registration's letter to a key, a second factor, a new password."""

import re
import secrets
import time
from typing import Any

import httpx
import orjson
import pyotp

from local.aws_services import Services
from local.operator_commands import running_environment
from tests.hangs import comes_true
from tests.stack.conftest import Stack, local

PASSWORD, NEW_PASSWORD = "correct horse battery", "staple of other horses"


def letters_to(stack: Stack, address: str) -> list[dict[str, Any]]:
    """Returns the letters that the stack has sent to an address, as the operator of a local stack reads them."""
    shown = local("mail", "--data", str(stack.data), "--json")
    assert shown.returncode == 0, shown.stderr
    return [letter for letter in orjson.loads(shown.stdout)["letters"] if letter["to"] == [address]]


def mailed_token(stack: Stack, address: str) -> str:
    letter = letters_to(stack, address)[-1]
    console = re.escape(f"{stack.root_url}/console/")
    (token,) = re.findall(rf"(?m)^{console}[a-z-]+#token=([A-Za-z0-9_-]{{43}})$", letter["text"])
    assert token in letter["html"]
    assert "<img" not in letter["html"]
    return str(token)


def signed_in(client: httpx.Client, email: str, password: str = PASSWORD, **more: str) -> dict[str, str]:
    answer = client.post("auth/login", json={"email": email, "password": password, **more})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def registered(stack: Stack, client: httpx.Client) -> str:
    email = f"jane-{secrets.token_hex(4)}@example.com"
    wanted = {"email": email, "password": PASSWORD, "full_name": "Jane Doe"}
    asked = client.post("auth/register", json=wanted)
    assert asked.status_code == 202, asked.text
    link = {"token": mailed_token(stack, email), "registration_token": asked.json()["registration_token"]}
    made = client.post("auth/verify-email", json=link)
    assert made.status_code == 200, made.text
    return email


def test_a_person_registers_signs_in_and_makes_a_key_that_serves(stack: Stack, client: httpx.Client) -> None:
    email = registered(stack, client)
    session = signed_in(client, email)
    me = client.get("auth/me", headers=session).json()
    assert (me["email"], me["full_name"]) == (email, "Jane Doe")
    assert client.get("billing/balance", headers=session).json()["balance_usd"] == "0"
    once = {**session, "Idempotency-Key": secrets.token_hex(8)}
    first, again = (client.post("keys", json={"name": "by a session"}, headers=once) for _ in range(2))
    # A person needs no balance to have a key.
    assert (first.status_code, again.content) == (201, first.content), first.text
    key = {"Authorization": f"Bearer {first.json()['full_key']}"}
    assert client.get("models", headers=key).status_code == 200
    assert client.post("chat/completions", json={}, headers=session).status_code == 401
    key_id = first.json()["key"]["key_id"]
    assert client.delete(f"keys/{key_id}", headers=session).json()["revoked"] is True


def test_a_session_is_refreshed_once_and_ends_with_its_logout(stack: Stack, client: httpx.Client) -> None:
    email = registered(stack, client)
    tokens = client.post("auth/login", json={"email": email, "password": PASSWORD}).json()
    body, once = {"refresh_token": tokens["refresh_token"]}, {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (client.post("auth/refresh", json=body, headers=once).json() for _ in range(2))
    assert first["refresh_token"] == again["refresh_token"] != tokens["refresh_token"]
    session = {"Authorization": f"Bearer {first['access_token']}"}
    assert len(client.get("auth/sessions", headers=session).json()["data"]) == 1
    assert client.post("auth/logout", headers=session).status_code == 200
    assert client.get("auth/me", headers=session).status_code == 401
    session = signed_in(client, email)
    (one,) = client.get("auth/sessions", headers=session).json()["data"]
    assert client.delete(f"auth/sessions/{one['session_id']}", headers=session).status_code == 200
    assert client.get("auth/me", headers=session).status_code == 401


def test_a_password_is_changed_and_reset_and_both_end_the_sessions(stack: Stack, client: httpx.Client) -> None:
    email = registered(stack, client)
    session = signed_in(client, email)
    assert (
        client.patch("auth/profile", json={"full_name": "Jane Roe"}, headers=session).json()["full_name"] == "Jane Roe"
    )
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert client.post("auth/change-password", json=change, headers=session).status_code == 200
    assert client.get("auth/me", headers=session).status_code == 401
    session = signed_in(client, email, NEW_PASSWORD)
    assert client.post("auth/forgot-password", json={"email": email}).status_code == 202
    reset = {"token": mailed_token(stack, email), "new_password": PASSWORD}
    assert client.post("auth/reset-password", json=reset).status_code == 200
    assert client.post("auth/reset-password", json=reset).status_code == 400
    assert client.get("auth/me", headers=session).status_code == 401
    session = signed_in(client, email)
    told = [one["action"] for one in client.get("audit?limit=100", headers=session).json()["data"]]
    assert {"account.created", "session.opened", "profile.changed", "password.changed", "password.reset"} <= {*told}


def test_a_second_factor_is_set_up_asked_for_and_turned_off(stack: Stack, client: httpx.Client) -> None:
    email = registered(stack, client)
    session = signed_in(client, email)
    secret = client.post("auth/2fa/setup", json={"password": PASSWORD}, headers=session).json()["secret"]
    codes = pyotp.TOTP(secret)
    enabled = client.post("auth/2fa/enable", json={"code": codes.now()}, headers=session)
    assert enabled.status_code == 200, enabled.text
    assert client.get("auth/2fa/status", headers=session).json()["recovery_codes_left"] == 10
    refused = client.post("auth/login", json={"email": email, "password": PASSWORD})
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "two_factor_required")
    # The next step's code, since that of this step was used to turn it on.
    signed_in(client, email, code=codes.at(int(time.time()) + 30))
    proof = {"password": PASSWORD, "code": enabled.json()["recovery_codes"][0]}
    assert client.post("auth/2fa/disable", json=proof, headers=session).json()["enabled"] is False
    signed_in(client, email)


def test_a_key_that_manages_an_account_is_shown_the_account(stack: Stack, client: httpx.Client) -> None:
    key = {"Authorization": f"Bearer {stack.api_key}"}
    me = client.get("auth/me", headers=key).json()
    assert (me["account_id"], me["user_id"]) == (stack.account_id, None)
    assert client.get("auth/2fa/status", headers=key).json()["enabled"] is False


def leave_content(stack: Stack, client: httpx.Client, key: dict[str, str]) -> None:
    """Uploads a file, keeps a conversation, and has a response stored and another one made in the background."""
    stack.credit("5")
    file = {"file": ("a.txt", b"a secret", "text/plain")}
    uploaded = client.post("files", headers=key, files=file, data={"purpose": "user_data"})
    assert uploaded.is_success, uploaded.text
    said = {"items": [{"role": "user", "content": "a secret"}]}
    assert client.post("conversations", headers=key, json=said).is_success
    asked = {"model": "gpt-4o", "input": "Say one word.", "store": True}
    assert client.post("responses", json=asked, headers=key).status_code == 200
    begun = client.post("responses", json=asked | {"background": True}, headers=key).json()
    assert comes_true(lambda: client.get(f"responses/{begun['id']}", headers=key).json()["status"] == "completed")


def left_of(stack: Stack, account_id: str) -> set[str]:
    """Names the tables and buckets that have content of an account."""
    environment = running_environment(stack.data)
    dynamodb = Services(environment["AWS_ENDPOINT_URL_DYNAMODB"], stack.moto_url).client("dynamodb")
    found = {
        kept
        for kept in ("FilesTable", "JobsTable", "ProviderKeysTable", "ResponsesTable", "WebhooksTable")
        for item in dynamodb.scan(TableName=f"nexgate-local-{kept}")["Items"]
        if item["account_id"]["S"] == account_id
    }
    listed = stack.aws("s3").list_objects_v2(Bucket="nexgate-local-mediabucket", Prefix=f"uploads/{account_id}/")
    return found | ({"uploads/"} if listed["KeyCount"] else set())


def conversations_of(stack: Stack) -> set[str]:
    """Names the objects of all conversations; what is in them is known by the account's items alone."""
    listed = stack.aws("s3").list_objects_v2(Bucket="nexgate-local-responsesbucket", Prefix="conversations/")
    return {each["Key"] for each in listed.get("Contents", [])}


def test_a_person_takes_its_data_along_and_leaves(stack: Stack, client: httpx.Client) -> None:
    email = registered(stack, client)
    session = signed_in(client, email)
    key = client.post("keys", json={"name": "to be revoked"}, headers=session).json()["full_key"]
    with_key = {"Authorization": f"Bearer {key}"}
    account_id = client.get("auth/me", headers=session).json()["account_id"]
    # Before the provider's key, by which the models would be asked.
    of_others = conversations_of(stack)
    leave_content(stack.seen_by(account_id, key), client, with_key)
    talk = conversations_of(stack) - of_others
    assert talk
    brought = {"provider": "openai", "api_key": "sk-own-0123456789", "verify": False}
    assert client.post("provider-keys", json=brought, headers=session).status_code == 201
    assert client.get("webhooks/secret", headers=session).status_code == 200
    shown = client.get("auth/export", headers=session).json()
    assert (shown["user"]["email"], len(shown["keys"]), len(shown["provider_keys"])) == (email, 1, 1)
    before = left_of(stack, account_id)
    assert before == {"FilesTable", "JobsTable", "ProviderKeysTable", "ResponsesTable", "WebhooksTable", "uploads/"}
    assert client.post("auth/deactivate", json={"password": PASSWORD}, headers=session).status_code == 200
    assert client.get("auth/me", headers=session).status_code == 401
    assert client.post("auth/login", json={"email": email, "password": PASSWORD}).status_code == 401
    assert comes_true(lambda: left_of(stack, account_id) == set())
    assert conversations_of(stack) & talk == set()
    # A revoked key starts nothing new after 5 s.
    assert comes_true(lambda: client.get("models", headers=with_key).status_code != 200)
    registered_again = client.post("auth/register", json={"email": email, "password": PASSWORD})
    assert registered_again.status_code == 202
