"""What ends a line of a text file: one pattern to split lines, and one to find where the next one starts.

CRLF and LF always end a line. A CR alone does so only where the dialect has it (`lone_cr`): elsewhere it is
text of a cell.
"""

from __future__ import annotations


def line_end(*, lone_cr: bool) -> str:
    r"""Return the pattern of all that is not text of the line.

    A CR that ends the file ends its last line in any dialect: it may be half of a CRLF that was cut off. Only
    for texts that end where the file does, or whose last line is looked at again with what follows:
    `\Z` is the end of what is searched.
    """
    # Branches in place of `\r?\n`: all start with a plain letter, which `re` finds at once in a long text.
    return r"\r\n?|\n" if lone_cr else r"\n|\r\n|\r\Z"


def line_start(*, lone_cr: bool) -> str:
    """Return the pattern of what a next line starts behind.

    A CR before the LF does not change where that is. Neither does one at the end: no line is behind it. So
    blocks of a file can be searched one by one.
    """
    return r"\r\n?|\n" if lone_cr else r"\n"
