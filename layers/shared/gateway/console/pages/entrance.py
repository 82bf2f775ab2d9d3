"""The pages of strangers: registration, confirmation, sign-in, forgotten passwords; and the sign-out."""

from __future__ import annotations

from gateway.console.routes import Pages
from gateway.console.visit import Answer, Refused, Visit
from gateway.framing.percent import encoded

entrance = Pages()


def only_path(text: str) -> str:
    """A path of the console that a query names; the first page where it names none.

    Every path of the console is ASCII, as the header Location has to be.
    """
    is_plain = text.isascii() and text.isprintable()
    is_path = text.startswith("/") and "//" not in text and "\\" not in text
    return text if is_plain and is_path else "/"


@entrance.on("GET", "/sign-in", for_strangers=True)
async def show_sign_in(visit: Visit) -> Answer:
    """Asks for address and password, and for a code once it is known that there is a second factor."""
    wants_code = visit.error is not None and visit.error.code in {"two_factor_required", "invalid_code"}
    if visit.error is not None and visit.error.code == "two_factor_required":
        visit.error = None
    onward = visit.form.get("next") or visit.request.query.get("next", "/")
    form = {"email": visit.state.email, **visit.form}
    return visit.page("sign_in", wants_code=wants_code, onward=only_path(onward), form=form)


@entrance.on("POST", "/sign-in", for_strangers=True, again=show_sign_in)
async def sign_in(visit: Visit) -> Answer:
    """Opens a session."""
    form = visit.form
    given = {"email": form.get("email", ""), "password": visit.typed("password")}
    if form.get("code"):
        given["code"] = form["code"].replace(" ", "")
    tokens = await visit.call("POST", "/v1/auth/login", given)
    # A new form token with each session, so that one which was planted before it is worth nothing.
    visit.state = visit.state.left()
    visit.state.access, visit.state.refresh = tokens["access_token"], tokens["refresh_token"]
    me = await visit.get("/v1/auth/me")
    if me["default_organization"]:
        found = await visit.get(f"/v1/organizations/{encoded(me['default_organization'])}")
        await visit.act_for(found["organization"])
    return visit.onward(only_path(form.get("next", "/")))


@entrance.on("POST", "/sign-out", for_strangers=True)
async def sign_out(visit: Visit) -> Answer:
    """Ends the session, and the key that the console has used."""
    if visit.state.signed_in:
        await visit.drop_key()
        try:
            await visit.call("POST", "/v1/auth/logout")
        except Refused as refused:
            if refused.status != 401:
                raise
    visit.state = visit.state.left()
    return visit.onward("/sign-in", "signed-out")


@entrance.on("GET", "/register", for_strangers=True)
async def show_register(visit: Visit) -> Answer:
    """Asks for address, name and password."""
    return visit.page("register", form=visit.form, invitation=visit.request.query.get("invitation", ""))


@entrance.on("POST", "/register", for_strangers=True, again=show_register)
async def register(visit: Visit) -> Answer:
    """Has the link mailed, and keeps the token that proves the password to be this browser's."""
    form = visit.form
    wanted = {"email": form.get("email", ""), "password": visit.typed("password")}
    wanted |= {name: form[name] for name in ("full_name", "invitation") if form.get(name)}
    sent = await visit.call("POST", "/v1/auth/register", wanted)
    visit.state.registration = sent["registration_token"]
    return visit.onward("/verify-email", "letter")


@entrance.on("GET", "/verify-email", for_strangers=True)
async def show_verify_email(visit: Visit) -> Answer:
    """Takes the letter's token, which a script moves from the address into the form."""
    return visit.page("verify_email")


@entrance.on("POST", "/verify-email", for_strangers=True, again=show_verify_email)
async def verify_email(visit: Visit) -> Answer:
    """Confirms the address."""
    link = {"token": visit.form.get("token", "")}
    if visit.state.registration:
        link["registration_token"] = visit.state.registration
    confirmed = await visit.call("POST", "/v1/auth/verify-email", link)
    visit.state.registration, visit.state.email = "", confirmed["email"]
    return visit.onward("/sign-in", "verified")


@entrance.on("GET", "/forgot-password", for_strangers=True)
async def show_forgot_password(visit: Visit) -> Answer:
    """Asks for the address."""
    return visit.page("forgot_password", form=visit.form)


@entrance.on("POST", "/forgot-password", for_strangers=True, again=show_forgot_password)
async def forgot_password(visit: Visit) -> Answer:
    """Has the letter sent."""
    await visit.call("POST", "/v1/auth/forgot-password", {"email": visit.form.get("email", "")})
    return visit.onward("/reset-password", "letter")


@entrance.on("GET", "/reset-password", for_strangers=True)
async def show_reset_password(visit: Visit) -> Answer:
    """Takes the letter's token and the new password."""
    return visit.page("reset_password")


@entrance.on("POST", "/reset-password", for_strangers=True, again=show_reset_password)
async def reset_password(visit: Visit) -> Answer:
    """Sets the new password."""
    given = {"token": visit.form.get("token", ""), "new_password": visit.typed("password")}
    await visit.call("POST", "/v1/auth/reset-password", given)
    visit.state = visit.state.left()
    return visit.onward("/sign-in", "password")


@entrance.on("POST", "/language", for_strangers=True)
async def choose_language(visit: Visit) -> Answer:
    """Keeps the language that the visitor reads."""
    visit.state.lang = "zh" if visit.form.get("lang") == "zh" else "en"
    return visit.onward(only_path(visit.form.get("next", "/")))
