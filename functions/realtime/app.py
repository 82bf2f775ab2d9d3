"""Judges the handshakes of sockets, for API Gateway's `$connect`."""

from gateway.http.sockets import connect
from gateway.wiring.managed import managed

handler = managed(connect)
