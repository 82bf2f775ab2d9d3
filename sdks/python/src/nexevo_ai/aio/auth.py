"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._async.answers import AsyncPage
from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._deferred import deferred  # async only
from nexevo_ai._request import call_of, path_part
from nexevo_ai.types.auth import (
    AccountExport,
    Deactivated,
    LetterSent,
    PasswordChanged,
    SessionEnded,
    SessionTokens,
    SessionView,
    TwoFactorEnabled,
    TwoFactorSetup,
    TwoFactorStatus,
    User,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.auth import (
        AuthChangePasswordParams,
        AuthDeactivateParams,
        AuthExportParams,
        AuthForgotPasswordParams,
        AuthListSessionsParams,
        AuthLoginParams,
        AuthLogoutParams,
        AuthMeParams,
        AuthRefreshParams,
        AuthRegisterParams,
        AuthResetPasswordParams,
        AuthRevokeSessionParams,
        AuthTwoFaDisableParams,
        AuthTwoFaEnableParams,
        AuthTwoFaSetupParams,
        AuthTwoFaStatusParams,
        AuthUpdateProfileParams,
        AuthVerifyEmailParams,
    )


class AsyncAuthResource(AsyncResource):
    """Methods of `client.auth`."""

    async def register(self, email: str, password: str, **params: Unpack[AuthRegisterParams]) -> LetterSent:
        """Mails the link that completes a registration; an address that is registered gets an answer of the same form."""
        call = call_of(
            "POST",
            "/v1/auth/register",
            {"email": email, "password": password, **params},
            body=("email", "password", "full_name", "invitation"),
            needs_key=False,
            is_once=True,
        )
        answer: LetterSent = await self._ask(call, kind=LetterSent)
        return answer

    async def verify_email(self, token: str, **params: Unpack[AuthVerifyEmailParams]) -> User:
        """Makes the person, and the account, of the registration whose link was mailed."""
        call = call_of(
            "POST",
            "/v1/auth/verify-email",
            {"token": token, **params},
            body=("token", "registration_token"),
            needs_key=False,
            is_once=True,
        )
        answer: User = await self._ask(call, kind=User)
        return answer

    async def login(self, email: str, password: str, **params: Unpack[AuthLoginParams]) -> SessionTokens:
        """Opens a session; `code` is that of the second factor, or a recovery code."""
        call = call_of(
            "POST",
            "/v1/auth/login",
            {"email": email, "password": password, **params},
            body=("email", "password", "code"),
            needs_key=False,
            is_once=True,
        )
        answer: SessionTokens = await self._ask(call, kind=SessionTokens)
        return answer

    async def refresh(self, refresh_token: str, **params: Unpack[AuthRefreshParams]) -> SessionTokens:
        """Replaces a session's tokens; a refresh token that was used before ends the session."""
        call = call_of(
            "POST",
            "/v1/auth/refresh",
            {"refresh_token": refresh_token, **params},
            body=("refresh_token",),
            needs_key=False,
            is_once=True,
        )
        answer: SessionTokens = await self._ask(call, kind=SessionTokens)
        return answer

    async def forgot_password(self, email: str, **params: Unpack[AuthForgotPasswordParams]) -> LetterSent:
        """Mails the link by which a password is reset; the answer is the same for an unknown address."""
        call = call_of(
            "POST",
            "/v1/auth/forgot-password",
            {"email": email, **params},
            body=("email",),
            needs_key=False,
            is_once=True,
        )
        answer: LetterSent = await self._ask(call, kind=LetterSent)
        return answer

    async def reset_password(
        self, token: str, new_password: str, **params: Unpack[AuthResetPasswordParams]
    ) -> PasswordChanged:
        """Sets a new password by a mailed token, and ends all sessions."""
        call = call_of(
            "POST",
            "/v1/auth/reset-password",
            {"token": token, "new_password": new_password, **params},
            body=("token", "new_password"),
            needs_key=False,
            is_once=True,
        )
        answer: PasswordChanged = await self._ask(call, kind=PasswordChanged)
        return answer

    async def me(self, **params: Unpack[AuthMeParams]) -> User:
        """Shows the person; the key of an account without one is shown the account."""
        call = call_of("GET", "/v1/auth/me", {**params})
        answer: User = await self._ask(call, kind=User)
        return answer

    async def update_profile(self, **params: Unpack[AuthUpdateProfileParams]) -> User:
        """Changes what a person says of itself."""
        call = call_of("PATCH", "/v1/auth/profile", {**params}, body=("full_name", "default_organization"))
        answer: User = await self._ask(call, kind=User)
        return answer

    async def change_password(
        self, current_password: str, new_password: str, **params: Unpack[AuthChangePasswordParams]
    ) -> PasswordChanged:
        """Sets a new password, for the one so far, and ends all sessions, this one too."""
        call = call_of(
            "POST",
            "/v1/auth/change-password",
            {"current_password": current_password, "new_password": new_password, **params},
            body=("current_password", "new_password", "code"),
            is_once=True,
        )
        answer: PasswordChanged = await self._ask(call, kind=PasswordChanged)
        return answer

    async def two_fa_status(self, **params: Unpack[AuthTwoFaStatusParams]) -> TwoFactorStatus:
        """Shows whether a second factor is on; without a person there is none."""
        call = call_of("GET", "/v1/auth/2fa/status", {**params})
        answer: TwoFactorStatus = await self._ask(call, kind=TwoFactorStatus)
        return answer

    async def two_fa_setup(self, password: str, **params: Unpack[AuthTwoFaSetupParams]) -> TwoFactorSetup:
        """Draws the secret of a second factor, shown this once; it counts once `enable` has had a code of it."""
        call = call_of(
            "POST", "/v1/auth/2fa/setup", {"password": password, **params}, body=("password", "code"), is_once=True
        )
        answer: TwoFactorSetup = await self._ask(call, kind=TwoFactorSetup)
        return answer

    async def two_fa_enable(self, code: str, **params: Unpack[AuthTwoFaEnableParams]) -> TwoFactorEnabled:
        """Turns the second factor on by a code of the new secret; recovery codes are shown this once."""
        call = call_of("POST", "/v1/auth/2fa/enable", {"code": code, **params}, body=("code",), is_once=True)
        answer: TwoFactorEnabled = await self._ask(call, kind=TwoFactorEnabled)
        return answer

    async def two_fa_disable(self, password: str, **params: Unpack[AuthTwoFaDisableParams]) -> TwoFactorStatus:
        """Turns the second factor off, for the password and a code."""
        call = call_of(
            "POST", "/v1/auth/2fa/disable", {"password": password, **params}, body=("password", "code"), is_once=True
        )
        answer: TwoFactorStatus = await self._ask(call, kind=TwoFactorStatus)
        return answer

    async def export(self, **params: Unpack[AuthExportParams]) -> AccountExport:
        """Shows all that is stored of the person and its account, but for secrets and content."""
        call = call_of("GET", "/v1/auth/export", {**params})
        answer: AccountExport = await self._ask(call, kind=AccountExport)
        return answer

    async def deactivate(self, password: str, **params: Unpack[AuthDeactivateParams]) -> Deactivated:
        """Ends the account for good and erases the person, for the password and a code."""
        call = call_of(
            "POST", "/v1/auth/deactivate", {"password": password, **params}, body=("password", "code"), is_once=True
        )
        answer: Deactivated = await self._ask(call, kind=Deactivated)
        return answer

    async def logout(self, **params: Unpack[AuthLogoutParams]) -> SessionEnded:
        """Ends the session that the call is made in."""
        call = call_of("POST", "/v1/auth/logout", {**params}, is_once=True)
        answer: SessionEnded = await self._ask(call, kind=SessionEnded)
        return answer

    @deferred  # async only
    async def list_sessions(self, **params: Unpack[AuthListSessionsParams]) -> AsyncPage[SessionView]:
        """Lists the sessions that go on, the last used one first: there is one page."""
        call = call_of("GET", "/v1/auth/sessions", {**params})
        answer: AsyncPage[SessionView] = await self._ask(call, element=SessionView)
        return answer

    async def revoke_session(self, session_id: str, **params: Unpack[AuthRevokeSessionParams]) -> SessionEnded:
        """Ends one of the person's sessions; its tokens start nothing new after 5 s."""
        call = call_of("DELETE", f"/v1/auth/sessions/{path_part(session_id)}", {**params})
        answer: SessionEnded = await self._ask(call, kind=SessionEnded)
        return answer
