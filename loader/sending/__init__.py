"""The API: requests out, answers in, and what they mean for each row.

`classify_response` decides what an answer means, `RateLimiter` when the next request may leave, `Client`
sends rows and `Dispatcher` whole loads. This room alone is async, and `transport` alone knows what carries
the requests.
"""

from __future__ import annotations

from loader.sending.answers import Answer, Failure, FailureKind
from loader.sending.auth.token import Token, TokenSource, check_transport_safety
from loader.sending.classify_response import ResponseVerdict, VerdictKind, classify_response
from loader.sending.client import Client
from loader.sending.clock import Clock
from loader.sending.dispatcher import Dispatcher, DispatchResult, dispatch
from loader.sending.limits.patience import RoundPatience
from loader.sending.limits.rate_limiter import RateLimiter
from loader.sending.limits.retry_after import parse_retry_after
from loader.sending.limits.stop_rules import StopLimits
from loader.sending.readback import NoReadback, RowKey, find_stored
from loader.sending.send_result import CutOff, SendResult
from loader.sending.signals import SignalReceived, wait
from loader.sending.threads import Threads

__all__ = [
    "Answer",
    "Client",
    "Clock",
    "CutOff",
    "DispatchResult",
    "Dispatcher",
    "Failure",
    "FailureKind",
    "NoReadback",
    "RateLimiter",
    "ResponseVerdict",
    "RoundPatience",
    "RowKey",
    "SendResult",
    "SignalReceived",
    "StopLimits",
    "Threads",
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
