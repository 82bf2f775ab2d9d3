"""Refuses the calls that SQS refuses by its limits, for the stack's own queues and for moto, which takes most of them.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html and
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

ENTRIES_MAX = 10
MESSAGE_BYTES_MAX = 1024 * 1024
BATCH_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
# The characters of XML 1.0: https://www.w3.org/TR/REC-xml/#charsets.
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Those of ASCII, which is most of what comes, and is looked through in a tenth of the time.
ASCII = bytes((*b"\t\n\r", *range(0x20, 0x80)))
NUMBERS = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, MESSAGE_BYTES_MAX),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
ATTRIBUTES = {
    *("ContentBasedDeduplication", "DeduplicationScope", "FifoQueue", "FifoThroughputLimit"),
    *("KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "RedrivePolicy"),
    "SqsManagedSseEnabled",
    *NUMBERS,
}
SERVICE = "com.amazonaws.sqs#"
# Errors that every service has.
ANY_SERVICE = "com.amazon.coral.service#"

Asked = Mapping[str, Any]


class Refused(Exception):
    """Reports a call that SQS refuses; `kind` is the error's type."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def check(operation: str, asked: Asked) -> None:
    """Raises Refused for a call that is over a limit of SQS."""
    for rule in _RULES.get(operation, ()):
        rule(asked)


def _new_queue(asked: Asked) -> None:
    if not QUEUE_NAME.fullmatch(asked["QueueName"].removesuffix(".fifo")):
        can = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        raise _invalid(can)
    for name, value in asked.get("Attributes", {}).items():
        if name not in ATTRIBUTES:
            raise Refused(f"{SERVICE}InvalidAttributeName", f"Unknown Attribute {name}.")
        if not isinstance(value, str):
            raise Refused(f"{ANY_SERVICE}SerializationException", "NUMBER_VALUE can not be converted to a String")
        least, most = NUMBERS.get(name, (0, 0))
        if name in NUMBERS and not (value.isdecimal() and least <= int(value) <= most):
            raise Refused(f"{SERVICE}InvalidAttributeValue", f"Invalid value for the parameter {name}.")


def _message(asked: Asked) -> None:
    body = asked.get("MessageBody")
    if not body:
        raise Refused(
            f"{ANY_SERVICE}MissingRequiredParameterException", "The request must contain the parameter MessageBody."
        )
    data = body.encode("utf-8", "surrogatepass")
    if data.translate(None, ASCII) and FORBIDDEN.search(body):
        raise Refused(
            f"{SERVICE}InvalidMessageContents", "Invalid characters found. Valid unicode characters are XML's."
        )
    if len(data) > MESSAGE_BYTES_MAX:
        raise _invalid(
            f"One or more parameters are invalid. Reason: Message must be shorter than {MESSAGE_BYTES_MAX} bytes."
        )


def _entries(asked: Asked) -> None:
    ids = [entry["Id"] for entry in asked.get("Entries", ())]
    if not ids:
        raise Refused(f"{SERVICE}EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(ids) > ENTRIES_MAX:
        message = f"Maximum number of entries per request are {ENTRIES_MAX}. You have sent {len(ids)}."
        raise Refused(f"{SERVICE}TooManyEntriesInBatchRequest", message)
    if not all(BATCH_ID.fullmatch(each) for each in ids):
        can = "A batch entry id can only contain alphanumeric characters, hyphens and underscores."
        raise Refused(f"{SERVICE}InvalidBatchEntryId", f"{can} It can be at most 80 letters long.")
    if len(set(ids)) < len(ids):
        raise Refused(f"{SERVICE}BatchEntryIdsNotDistinct", "Two entries have the same id.")


def _between(name: str, least: int, most: int) -> Callable[[Asked], None]:
    def rule(asked: Asked) -> None:
        value = asked.get(name, least)
        if not isinstance(value, int) or not least <= value <= most:
            reason = f"Must be between {least} and {most}, if provided."
            raise _invalid(f"Value {value} for parameter {name} is invalid. Reason: {reason}")

    return rule


def _invalid(message: str) -> Refused:
    return Refused(f"{ANY_SERVICE}InvalidParameterValueException", message)


_VISIBILITY = _between("VisibilityTimeout", *NUMBERS["VisibilityTimeout"])
_RULES: Mapping[str, tuple[Callable[[Asked], None], ...]] = {
    "ChangeMessageVisibility": (_VISIBILITY,),
    "ChangeMessageVisibilityBatch": (_entries,),
    "CreateQueue": (_new_queue,),
    "DeleteMessageBatch": (_entries,),
    "ReceiveMessage": (_between("MaxNumberOfMessages", 1, 10), _between("WaitTimeSeconds", 0, 20), _VISIBILITY),
    "SendMessage": (_message, _between("DelaySeconds", *NUMBERS["DelaySeconds"])),
    "SendMessageBatch": (_entries,),
}
