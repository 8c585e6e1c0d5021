"""Text of our own that is safe in a spreadsheet."""

from __future__ import annotations

from typing import Final

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")

FORMULA: Final = r"^[=+@\t\r\n-]"
"""Matches a text that a spreadsheet program might run as a formula."""


def harmless(text: str) -> str:
    """Text that no spreadsheet program runs as a formula: an apostrophe stands before one that it might.

    Only for text of the loader's own; what came from a source, and ids, stay exact.
    (OWASP, CSV Injection: https://owasp.org/www-community/attacks/CSV_Injection)
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
