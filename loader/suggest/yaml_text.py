"""Values as YAML text that this project's reader, and any other, reads back as what they were."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_PLAIN: Final = re.compile(r"[^\W\d_](?:[\w/+.-]|[ ](?=[\w/+.-]))*")
_MEANT: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"})
"""Words that some reader of YAML takes for something else than text."""
_FLAG_KEYS: Final = {"true", "false"}  # the two keys of `boolean`, which are written bare
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def text(value: str) -> str:
    """A text as a YAML scalar for any place: as it is where that is safe, else in double quotes."""
    if _PLAIN.fullmatch(value) and value.lower() not in _MEANT and value.isprintable():
        return value
    if '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return quoted(value)


def quoted(value: str) -> str:
    """A text in double quotes."""
    written = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def flow(value: Any) -> str:
    """A value on one line: texts, numbers, flags, null, lists and objects of them."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        key = str if set(value) == _FLAG_KEYS else text
        return "{" + ", ".join(f"{key(name)}: {flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    return json.dumps(value)


def comment(words: str) -> str:
    """Words that may stand in a comment: on one line, nothing in them unprintable."""
    return "".join(each if each.isprintable() else " " for each in " ".join(words.split()))
