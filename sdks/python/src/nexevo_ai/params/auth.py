"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._request import RequestOptions

# Shared.


class AuthRegisterParams(RequestOptions, total=False):
    """Arguments of `auth.register`."""

    full_name: str
    invitation: str


class AuthVerifyEmailParams(RequestOptions, total=False):
    """Arguments of `auth.verify_email`."""

    registration_token: str


class AuthLoginParams(RequestOptions, total=False):
    """Arguments of `auth.login`."""

    code: str


class AuthRefreshParams(RequestOptions, total=False):
    """Arguments of `auth.refresh`."""


class AuthForgotPasswordParams(RequestOptions, total=False):
    """Arguments of `auth.forgot_password`."""


class AuthResetPasswordParams(RequestOptions, total=False):
    """Arguments of `auth.reset_password`."""


class AuthMeParams(RequestOptions, total=False):
    """Arguments of `auth.me`."""


class AuthUpdateProfileParams(RequestOptions, total=False):
    """Arguments of `auth.update_profile`."""

    full_name: str
    default_organization: Optional[str]


class AuthChangePasswordParams(RequestOptions, total=False):
    """Arguments of `auth.change_password`."""

    code: str


class AuthTwoFaStatusParams(RequestOptions, total=False):
    """Arguments of `auth.two_fa_status`."""


class AuthTwoFaSetupParams(RequestOptions, total=False):
    """Arguments of `auth.two_fa_setup`."""

    code: str


class AuthTwoFaEnableParams(RequestOptions, total=False):
    """Arguments of `auth.two_fa_enable`."""


class AuthTwoFaDisableParams(RequestOptions, total=False):
    """Arguments of `auth.two_fa_disable`."""

    code: str


class AuthExportParams(RequestOptions, total=False):
    """Arguments of `auth.export`."""


class AuthDeactivateParams(RequestOptions, total=False):
    """Arguments of `auth.deactivate`."""

    code: str


class AuthLogoutParams(RequestOptions, total=False):
    """Arguments of `auth.logout`."""


class AuthListSessionsParams(RequestOptions, total=False):
    """Arguments of `auth.list_sessions`."""


class AuthRevokeSessionParams(RequestOptions, total=False):
    """Arguments of `auth.revoke_session`."""
