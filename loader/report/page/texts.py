"""Text of a page: what cannot be seen is made visible, what is long is cut, numbers are easy to read."""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING, Final

from loader.text import SHOWN_CHARACTERS

if TYPE_CHECKING:
    from datetime import datetime

# Control characters (but not the line's end), what turns the direction of text, what has no width, lone
# surrogates, tags, and code points that are no characters.
_UNSEEN: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufdd0-\ufdef\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_OUTER: Final = re.compile(r"^ +| +$")
_KILO: Final = 1000
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
_SMALL: Final = 0.001


def visible(text: str) -> str:
    """Return the text with what cannot be seen, or would disturb its surroundings, as a sign or its code."""
    return _UNSEEN.sub(_shown, text)


def cell(text: str, at_most: int = SHOWN_CHARACTERS) -> str:
    """Return a value on one line: visible, its outer blanks too, and cut to `at_most` characters."""
    # Cut first: a cell may have megabytes. Making visible never shortens.
    shown = visible(text[: at_most + 1].replace("\r\n", "↵").replace("\n", "↵"))
    shown = _OUTER.sub(lambda blanks: "␣" * len(blanks[0]), shown)
    return shown if len(shown) <= at_most and len(text) <= at_most else f"{shown[: at_most - 1]}…"


def block(text: str, at_most: int) -> str:
    """Return a text of several lines, visible and cut to `at_most` characters."""
    shown = visible(text[: at_most + 1].replace("\r\n", "\n"))
    return shown if len(text) <= at_most else f"{shown[: at_most - 1]}…"


def number(value: float) -> str:
    """Return a number with its thousands apart: 1,240; fractions have one digit."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def share(part: float, total: float) -> str:
    """Return a part in percent; never 0 % for what is there, nor 100 % where something is missing."""
    if not total or not part:
        return "0 %"
    value = part / total
    if value < _SMALL:
        return "under 0.1 %"
    if 1 - _SMALL < value < 1:
        return "over 99.9 %"
    return f"{value * 100:.1f} %".replace(".0 %", " %")


def size(count: int) -> str:
    """Return bytes in the unit that reads best: 12.4 MB."""
    value = float(count)
    for unit in ("bytes", "kB", "MB"):
        if value < _KILO:
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= _KILO
    return f"{value:,.1f} GB"


def duration(seconds: float) -> str:
    """Return a time in the two units that matter: 2 min 5 s."""
    if seconds < 1:
        return "under a second"
    rounded = round(seconds)
    if rounded < _MINUTE:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    if rounded < _HOUR:
        return _two(rounded, (_MINUTE, "min"), (1, "s"))
    if rounded < _DAY:
        return _two(rounded, (_HOUR, "h"), (_MINUTE, "min"))
    return _two(rounded, (_DAY, "days" if rounded >= 2 * _DAY else "day"), (_HOUR, "h"))


def moment(at: datetime) -> str:
    """Return a time in UTC: 22 November 2026, 10:15 UTC."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


def _shown(match: re.Match[str]) -> str:
    return "⇥" if match[0] == "\t" else f"⟨U+{ord(match[0]):04X}⟩"


def _two(seconds: int, large: tuple[int, str], small: tuple[int, str]) -> str:
    first, rest = divmod(seconds, large[0])
    second = rest // small[0]
    return f"{first:,} {large[1]} {second} {small[1]}" if second else f"{first:,} {large[1]}"
