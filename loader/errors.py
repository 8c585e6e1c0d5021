"""What can go wrong, as a tree; every class knows the exit code it ends the program with.

LoaderError                          1  the program failed
├── NotStarted                       2  wrong usage, mapping or configuration; nothing was sent
│   ├── ConfigurationError               an option, the environment or loader.toml
│   ├── MappingError                     a mapping that cannot be used: carries all findings
│   ├── SourceError                      a source that cannot be read
│   │   └── SourceChanged                its content is not what it was when the load started
│   └── JournalUnusable                  the journal cannot be opened, or is damaged
├── Stopped                          5  the load stopped early; rows are left pending
│   ├── TokenRefused                     401, also with a fresh token
│   ├── NotPermitted                     403: the token may not do this
│   ├── NoSuchTenant                     404, 405: no such tenant or path
│   ├── ServiceDown                      unreachable or failing for longer than the load waits
│   ├── SameRefusal                      the first rows were all refused for the same reason
│   ├── TooManyErrors                    --max-errors
│   ├── SourceLost                       the source broke off while it was read
│   └── JournalFailed                    the journal cannot be written: sending has stopped
├── Busy                             6  another process is at work here
└── Unbalanced                       1  rows read and rows accounted for differ (a bug)

A message has where, what was found and what was expected; `next_step` is what to do now, a sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.findings import Finding


class LoaderError(Exception):
    """The base of all errors that the loader raises on purpose.

    Args:
        message: Where it happened, what was found and what was expected; one or more lines, no secrets.
        next_step: What the user can do about it, a sentence; None where the message makes it clear.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class NotStarted(LoaderError):  # noqa: N818 - the tree reads as states, not as a list of Errors
    """Nothing was sent: the call, the mapping, the source or the configuration is wrong."""

    exit_code = 2


class ConfigurationError(NotStarted):
    """An option, an environment variable or `loader.toml` is missing or wrong."""


class MappingError(NotStarted):
    """A mapping cannot be used.

    Args:
        message: The findings worded, one a line.
        findings: Every error found in it, in the order of the file; never empty.
    """

    def __init__(self, message: str, findings: Sequence[Finding], *, next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.findings = tuple(findings)


class SourceError(NotStarted):
    """A source file is missing, empty, unreadable or not of the format that was given."""


class SourceChanged(SourceError):  # noqa: N818 - the tree reads as states, not as a list of Errors
    """A source's content differs from what it was when its load started."""


class JournalUnusable(NotStarted):
    """The journal cannot be opened: locked, damaged, or of a newer version."""


class Stopped(LoaderError):  # noqa: N818 - the tree reads as states, not as a list of Errors
    """The load stopped early for a reason that holds for every row; the rest is pending."""

    exit_code = 5


class TokenRefused(Stopped):
    """The service answered 401 to the token, also to a fresh one where there was a way to get one."""


class NotPermitted(Stopped):
    """The service answered 403."""


class NoSuchTenant(Stopped):
    """The service answered 404 or 405: the tenant, the path or the base URL is wrong."""


class ServiceDown(Stopped):
    """The service could not be reached, or kept failing, for longer than the load waits."""


class SameRefusal(Stopped):
    """The first rows of the load were all refused for the same reason."""


class TooManyErrors(Stopped):
    """More rows went wrong than `--max-errors` allows."""


class SourceLost(Stopped):
    """The source broke off while it was being read, after rows had been sent."""


class JournalFailed(Stopped):
    """The journal could not be written; nothing is sent without it."""


class Busy(LoaderError):  # noqa: N818 - the tree reads as states, not as a list of Errors
    """Another process works on this load, or on this tenant and record type."""

    exit_code = 6


class Unbalanced(LoaderError):  # noqa: N818 - the tree reads as states, not as a list of Errors
    """The rows read are not the sum of the rows accounted for."""
