"""Answers of the API: always JSON, and errors always of one form."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from loader.sandbox.contract import ContractViolation

_LOG = logging.getLogger(__name__)


class ErrorResponse(Exception):  # noqa: N818 - an answer, not a failure of the sandbox
    """A request that is answered with an error.

    Args:
        status: The answer's status.
        message: What is wrong, in one line.
        reasons: What is wrong with which field; may be empty.
        headers: Headers that the answer needs.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        reasons: Sequence[ContractViolation] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reasons = tuple(reasons)
        self.headers = headers

    def answer(self) -> Response:
        """Return it as `{"message": …, "errors": [{"path": …, "message": …}, …]}`."""
        return error_answer(self.status, self.message, reasons=self.reasons, headers=self.headers)


def error_answer(
    status: int,
    message: str,
    *,
    reasons: Sequence[ContractViolation] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error in the one form of them all; without a reason for a field, `errors` is empty."""
    errors = [{"path": reason.path, "message": reason.message} for reason in reasons]
    return json_answer({"message": message, "errors": errors}, status=status, headers=headers)


def failure_answer(request: Request, error: Exception) -> Response:
    """Return 500 for a request at which the sandbox itself failed; log the failure with its trace."""
    _LOG.error("the sandbox failed at %s %s", request.method, request.url.path, exc_info=error)
    return error_answer(500, f"the sandbox failed: {type(error).__name__}")


def json_answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with a value as JSON."""
    return text_answer(compact(value), status=status, headers=headers)


def text_answer(text: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with JSON that is already text."""
    # A text from outside, such as a parameter, may hold half a surrogate pair, which UTF-8 has no bytes for.
    return Response(text.encode(errors="replace"), status, headers, "application/json")


def compact(value: Any) -> str:
    """Return a value as JSON without spaces; texts are not escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
