"""Text that a spreadsheet program does not run as a formula.

Only for text that is shown to people, such as messages; a source's cells, keys and ids stay exact.
(OWASP, CSV Injection: https://owasp.org/www-community/attacks/CSV_Injection)
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

_FORMULA: Final = r"^[=+@\t\r\n-]"
_RUNS: Final = re.compile(_FORMULA)


def neutralise(text: str) -> str:
    """Return the text, with an apostrophe in front where a spreadsheet program might run it."""
    return f"'{text}" if _RUNS.match(text) else text


def neutralised(name: str) -> pl.Expr:
    """Return a column of text by the same rule."""
    cell = pl.col(name)
    return (
        pl.when(cell.str.contains(_FORMULA))
        .then(pl.concat_str(pl.lit("'"), cell))
        .otherwise(cell)
        .alias(name)
    )
