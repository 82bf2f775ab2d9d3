"""Holds every limit that AWS puts on a request, each with its source. Tests pass smaller ones."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of API Gateway (REST, Regional) and Lambda. Sizes are in bytes."""

    # docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
    request_bytes: int = 10 * MIB
    request_header_bytes: int = 10_240
    integration_timeout_s: float = 29.0
    # .../apigateway/latest/developerguide/response-transfer-mode.html
    stream_idle_s: float = 300.0
    stream_prelude_bytes: int = 16 * 1024
    # docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; the service's own messages say 6291556.
    event_bytes: int = 6 * MIB + 100
    response_bytes: int = 6 * MIB + 100
    streamed_bytes: int = 200 * MIB
    # Lambda gives an environment 10 s to reach its first /next; a laptop with cold disks gets more.
    init_timeout_s: float = 30.0
    # A laptop can run only a share of the account's 1,000 concurrent executions, and start only a few at a time.
    # A request waits this long for a free environment before it is throttled.
    concurrency: int = 256
    cold_starts: int = 4
    queue_s: float = 90.0
    # docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
    message_bytes: int = 128 * 1024
    frame_bytes: int = 32 * 1024
    connection_s: float = 7200.0
    idle_socket_s: float = 600.0
    # How long a message takes to its integration at most. AWS tells no such time: calls side by side differ.
    delivery_s: float = 0.004
    idle_processes: int = 2
    idle_s: float = 60.0


AWS_LIMITS = Limits()
