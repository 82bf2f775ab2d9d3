"""Carries one session through one invocation: holds the provider's socket, and hands over before its time is over."""

from gateway.wiring.carrying import carry
from gateway.wiring.managed import managed

handler = managed(carry)
