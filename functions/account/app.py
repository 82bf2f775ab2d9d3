"""Serves people: registration and log-in to strangers, their accounts and audit logs to those who are signed in."""

from gateway.http.auditing import auditing
from gateway.http.buffered import lambda_handler
from gateway.http.json_app import JsonApp
from gateway.http.own_account import own_account
from gateway.http.signing_in import strangers

app = JsonApp(strangers, own_account, auditing)
handler = lambda_handler(app)
