"""Errors for people who sign in; none tells whether an address is registered."""

from __future__ import annotations

from gateway.errors import (
    AuthenticationFailed,
    Conflict,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
)

BAD_SESSION = "This session has ended or never was; sign in again."


def wrong_credentials() -> AuthenticationFailed:
    """Refuses a log-in, in the same words for an unknown address and for a wrong password."""
    return AuthenticationFailed("The e-mail address or the password is wrong.", code="invalid_credentials")


def wrong_password(param: str) -> PermissionDenied:
    """Refuses the password that a signed-in person proves itself with."""
    return PermissionDenied("The password is wrong.", param=param, code="invalid_credentials")


def code_required() -> AuthenticationFailed:
    """Asks for the code of the second factor, after a right password."""
    message = "This account has a second factor: send its code, or a recovery code, as 'code'."
    return AuthenticationFailed(message, param="code", code="two_factor_required")


def wrong_code() -> AuthenticationFailed:
    """Refuses a code that is wrong, or was used before."""
    return AuthenticationFailed("The code is wrong, or was used already.", param="code", code="invalid_code")


def session_over() -> AuthenticationFailed:
    """Refuses a token of a session that is none, or no more."""
    return AuthenticationFailed(BAD_SESSION, code="invalid_session")


def token_expired() -> AuthenticationFailed:
    """Refuses an access token after its time; its session may still be refreshed."""
    return AuthenticationFailed("This access token has expired; ask for a new one.", code="expired_session")


def bad_link() -> InvalidRequest:
    """Refuses a mailed token that is unknown, used or expired, which are one to its holder."""
    message = "This link is not valid any more; ask for a new one."
    return InvalidRequest(message, param="token", code="invalid_token")


def no_person() -> NotFound:
    """Refuses what needs a person, to the key of an account that an operator made without one."""
    return NotFound("This account has no person who signs in.", code="user_not_found")


def changed_meanwhile() -> Conflict:
    """Refuses a change that another one overtook several times."""
    return Conflict("The account was changed meanwhile; send it again.", code="user_changed")


def registration_closed() -> PermissionDenied:
    """Refuses a registration where the operator makes all accounts."""
    return PermissionDenied("Registration is closed on this gateway.", code="registration_closed")


def not_invited() -> PermissionDenied:
    """Refuses a registration without an invitation that can be used."""
    message = "Registration needs an invitation that was not used before and has not expired."
    return PermissionDenied(message, param="invitation", code="invitation_required")


def no_mail() -> ServiceUnavailable:
    """Reports that what needs mail cannot be done: the deployment names no sender."""
    refusal = ServiceUnavailable("This gateway sends no mail; ask its operator.", code="mail_not_configured")
    refusal.should_retry = False
    return refusal
