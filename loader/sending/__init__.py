"""The API: requests out, answers in, and what they mean for each row.

`judge` says what an answer means, `Pace` when the next request may leave, `Client` sends. This room alone
is async, and `transport` alone knows what carries the requests.
"""

from __future__ import annotations

from loader.sending.client import Client
from loader.sending.dispatch import Dispatcher, Ended, dispatch
from loader.sending.load_verdict import Limits
from loader.sending.lookup import Interrupted, Mark, NoLookup, find_stored, wait
from loader.sending.pace import Pace
from loader.sending.retry_after import parse_retry_after
from loader.sending.sent import CutOff, Sent
from loader.sending.token import Token, TokenSource, check_transport_safety
from loader.sending.verdict import Answer, Failure, FailureKind, Verdict, VerdictKind, judge

__all__ = [
    "Answer",
    "Client",
    "CutOff",
    "Dispatcher",
    "Ended",
    "Failure",
    "FailureKind",
    "Interrupted",
    "Limits",
    "Mark",
    "NoLookup",
    "Pace",
    "Sent",
    "Token",
    "TokenSource",
    "Verdict",
    "VerdictKind",
    "check_transport_safety",
    "dispatch",
    "find_stored",
    "judge",
    "parse_retry_after",
    "wait",
]
