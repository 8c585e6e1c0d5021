"""The API: requests out, answers in, and what they mean for each row.

`classify_response` says what an answer means, `RateLimiter` when the next request may leave, `Client`
sends. This room alone is async, and `transport` alone knows what carries the requests.
"""

from __future__ import annotations

from loader.sending.auth.token import Token, TokenSource, check_transport_safety
from loader.sending.classify_response import (
    Answer,
    Failure,
    FailureKind,
    ResponseVerdict,
    VerdictKind,
    classify_response,
)
from loader.sending.client import Client
from loader.sending.dispatcher import Dispatcher, Ended, dispatch
from loader.sending.limits.rate_limiter import RateLimiter
from loader.sending.limits.retry_after import parse_retry_after
from loader.sending.limits.stop_rules import StopLimits
from loader.sending.readback import Interrupted, Mark, NoReadback, find_stored, wait
from loader.sending.send_result import CutOff, SendResult

__all__ = [
    "Answer",
    "Client",
    "CutOff",
    "Dispatcher",
    "Ended",
    "Failure",
    "FailureKind",
    "Interrupted",
    "Mark",
    "NoReadback",
    "RateLimiter",
    "ResponseVerdict",
    "SendResult",
    "StopLimits",
    "Token",
    "TokenSource",
    "VerdictKind",
    "check_transport_safety",
    "classify_response",
    "dispatch",
    "find_stored",
    "parse_retry_after",
    "wait",
]
