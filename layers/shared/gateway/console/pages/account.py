"""The pages of the person: profile, password, second factor, sessions."""

from __future__ import annotations

from gateway.console.routes import Pages
from gateway.console.visit import Answer, Visit
from gateway.framing.percent import encoded

account = Pages()


@account.on("GET", "/account")
async def show_account(visit: Visit) -> Answer:
    """Shows the person, its second factor and where it is signed in."""
    me = await visit.get("/v1/auth/me")
    factor = await visit.get("/v1/auth/2fa/status")
    sessions = (await visit.get("/v1/auth/sessions"))["data"]
    return visit.page("account", me=me, factor=factor, sessions=sessions)


@account.on("POST", "/account/profile", again=show_account)
async def change_profile(visit: Visit) -> Answer:
    """Keeps the person's name."""
    await visit.call("PATCH", "/v1/auth/profile", {"full_name": visit.form.get("full_name", "")})
    return visit.onward("/account", "saved")


def _proof(visit: Visit) -> dict[str, str]:
    """Password and code, as the person proves itself with."""
    code = visit.form.get("code", "").replace(" ", "")
    return {"password": visit.typed("password"), **({"code": code} if code else {})}


@account.on("POST", "/account/password", again=show_account)
async def change_password(visit: Visit) -> Answer:
    """Sets a new password, which ends all sessions."""
    proof = _proof(visit)
    wanted = {"current_password": proof.pop("password"), "new_password": visit.typed("new_password"), **proof}
    await visit.call("POST", "/v1/auth/change-password", wanted)
    visit.state = visit.state.left()
    return visit.onward("/sign-in", "password")


@account.on("POST", "/account/2fa/setup", again=show_account)
async def set_up_two_factor(visit: Visit) -> Answer:
    """Shows the secret of a second factor, this once."""
    offered = await visit.call("POST", "/v1/auth/2fa/setup", _proof(visit))
    return visit.page("two_factor", offered=offered, codes=None)


@account.on("POST", "/account/2fa/enable", again=show_account)
async def enable_two_factor(visit: Visit) -> Answer:
    """Turns the second factor on, and shows the recovery codes, this once."""
    code = visit.form.get("code", "").replace(" ", "")
    enabled = await visit.call("POST", "/v1/auth/2fa/enable", {"code": code})
    return visit.page("two_factor", offered=None, codes=enabled["recovery_codes"])


@account.on("POST", "/account/2fa/disable", again=show_account)
async def disable_two_factor(visit: Visit) -> Answer:
    """Turns the second factor off."""
    await visit.call("POST", "/v1/auth/2fa/disable", _proof(visit))
    return visit.onward("/account", "saved")


@account.on("GET", "/account/export.json")
async def export_account(visit: Visit) -> Answer:
    """Gives what is stored of the person and its account, as a file."""
    body = await visit.text("/v1/auth/export")
    name = 'attachment; filename="nexgate-export.json"'
    return Answer(body, headers={"Content-Type": "application/json", "Content-Disposition": name})


@account.on("POST", "/account/deactivate", again=show_account)
async def deactivate(visit: Visit) -> Answer:
    """Ends the account for good."""
    await visit.call("POST", "/v1/auth/deactivate", _proof(visit))
    visit.state = visit.state.left()
    return visit.onward("/sign-in", "deactivated")


@account.on("POST", "/account/sessions/{session_id}/end", again=show_account)
async def end_session(visit: Visit) -> Answer:
    """Ends one of the person's sessions."""
    await visit.call("DELETE", f"/v1/auth/sessions/{encoded(visit.path['session_id'])}")
    return visit.onward("/account", "removed")
