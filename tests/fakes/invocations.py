"""The context that Lambda hands a function beside its event."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LambdaContext:
    """The members that the gateway reads."""

    aws_request_id: str = "invocation-1"
    remaining_ms: int = 29_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms
