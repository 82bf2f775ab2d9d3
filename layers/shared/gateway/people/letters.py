"""Writes the letters to people, as text and as HTML of the same content: no picture, no tracking, one link at most.

A link leads to the operator's console, which hands its token to the API. Without a console the letter has the token.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.ports.mail import Letter

GOAL_CHARACTERS_MAX = 500
SIGNATURE = "This was sent once, for a request at the gateway. There is no need to answer."
_HTML = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    '<body style="font-family: sans-serif; max-width: 36em; white-space: pre-line">{body}</body></html>'
)


def verification(to: str, token: str, console_url: str) -> Letter:
    """The letter that completes a registration."""
    said = ("An account was registered with this address. To use it, confirm the address within 24 hours.",)
    ignore = "If you did not register, do nothing: without the confirmation there will be no account."
    return _letter(to, "Confirm your e-mail address", said, _way(console_url, "verify-email", token), ignore)


def registered_already(to: str, console_url: str) -> Letter:
    """The letter to a person whose address was registered again."""
    said = ("An account was to be registered with this address, which has one already.",)
    way = ("Sign in, or reset your password if you have forgotten it:", _page(console_url, "forgot-password"))
    return _letter(to, "You have an account already", said, way, "If it was not you, do nothing: nothing has changed.")


def reset(to: str, token: str, console_url: str) -> Letter:
    """The letter by which a password is reset."""
    said = ("A new password was asked for. Choose one within an hour; this ends all sessions.",)
    ignore = "If it was not you, do nothing: your password has not changed."
    return _letter(to, "Reset your password", said, _way(console_url, "reset-password", token), ignore)


def first_password(to: str, token: str, console_url: str) -> Letter:
    """The letter by which a person whose registration came from elsewhere chooses its password."""
    said = (
        "Your address is confirmed.",
        "The password that came with the registration does not count, since the link was opened from another place.",
        "Choose one within an hour; later, ask for a reset.",
    )
    ignore = "If you did not register, do nothing: the account has no password, so it cannot be signed in to."
    return _letter(to, "Choose your password", said, _way(console_url, "reset-password", token), ignore)


def invitation(to: str, organization: str, role: str, token: str, console_url: str) -> Letter:
    """The letter by which a person is invited to an organization."""
    said = (f'You are invited to the organization "{organization}", as {role}. The invitation is good for 7 days.',)
    way = (
        ("Sign in with this address, or register it first, and open this link:", f"{page}#token={token}")
        if (page := _page(console_url, "accept-invitation"))
        else ("Sign in with this address, and send this token to POST /v1/organizations/invitations/accept:", token)
    )
    return _letter(to, "You are invited to an organization", said, way, "If you do not know it, do nothing.")


def changed(to: str, what: str) -> Letter:
    """The letter that tells a person of a change of what protects the account."""
    said = (f"{what} If it was you, nothing is to be done.",)
    ignore = "If it was not you, reset your password at once, and write to the operator of the gateway."
    return _letter(to, "Your account was changed", said, ("", ""), ignore)


def low_balance(to: str, balance_usd: str, threshold_usd: str, failed: str, console_url: str) -> Letter:
    """The letter that tells an account's owner of a low balance, or of an automatic top-up that failed."""
    said: tuple[str, ...] = (f"The balance of your account is {balance_usd} USD, below {threshold_usd} USD.",)
    if failed:
        said = (f"The automatic top-up of your account failed ({failed}). It is not tried again.", *said)
    way = ("Top it up, or change its automatic top-up:", _page(console_url, "billing")) if console_url else ("", "")
    return _letter(
        to, "Your balance is low", said, way, "At zero, requests are refused until the account is topped up."
    )


def task_result(to: str, goal: str, content: str, scores: Mapping[str, float], *, partial: bool) -> Letter:
    """The letter that delivers a task's result."""
    asked = f"The task: {goal[:GOAL_CHARACTERS_MAX]}"
    state = ("This is a part of the result: not all that was planned could be done.",) if partial else ()
    judged = ", ".join(f"{name} {score:.2f}" for name, score in scores.items())
    said = (
        asked,
        *state,
        *content.split("\n\n"),
        *([f"Scores of the answer, from 0 to 1: {judged}."] if judged else []),
    )
    subject = "A part of your task's result" if partial else "Your task's result"
    return _letter(to, subject, said, ("", ""), "If you expect no such letter, tell the operator of the gateway.")


def _way(console_url: str, page: str, token: str) -> tuple[str, str]:
    if console_url:
        # After the `#`, so that no server's log and no Referer has the token.
        return "Open this link:", f"{_page(console_url, page)}#token={token}"
    return f"Send this token to POST /v1/auth/{page}:", token


def _page(console_url: str, page: str) -> str:
    return f"{console_url.rstrip('/')}/{page}" if console_url else ""


def _letter(to: str, subject: str, said: tuple[str, ...], way: tuple[str, str], ignore: str) -> Letter:
    lead, target = way
    lines = [*said, *([f"{lead}\n\n{target}" if target else lead] if lead else []), ignore, SIGNATURE]
    shown = [f"<p>{_escaped(line)}</p>" for line in said]
    if lead:
        shown.append(f"<p>{_escaped(lead)}</p>")
    if target:
        safe = _escaped(target)
        shown.append(f'<p><a href="{safe}">{safe}</a></p>' if "://" in target else f"<p><code>{safe}</code></p>")
    shown += [f"<p>{_escaped(ignore)}</p>", f"<p><small>{_escaped(SIGNATURE)}</small></p>"]
    html = _HTML.format(title=_escaped(subject), body="".join(shown))
    return Letter(to, subject, "\n\n".join(lines) + "\n", html)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
