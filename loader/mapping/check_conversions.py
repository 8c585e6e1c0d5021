"""What can be wrong with a rule's conversions by themselves, whatever field the rule fills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.mapping.words import shown

if TYPE_CHECKING:
    from loader.mapping.document import Path
    from loader.mapping.findings import Findings
    from loader.mapping.grammar import Rule

_AS_IT_IS: Final = {"json": "JSON", "value": "a constant"}
"""Origins whose value goes into the payload as it is."""

_HARMLESS: Final = frozenset({"trim", "null_if", "default"})
"""Conversions that may stand beside them."""


def check_conversions(rule: Rule, place: Path, path: str, findings: Findings) -> None:
    """Checks that a rule's conversions say one thing, and that none of them would do nothing.

    Args:
        rule: The rule.
        place: Where it stands in the mapping file.
        path: The payload's path.
        findings: What is found goes in here.
    """
    _check_number(rule, place, path, findings)
    _check_words(rule, place, path, findings)
    _check_idle(rule, place, path, findings)


def _check_idle(rule: Rule, place: Path, path: str, findings: Findings) -> None:
    what = _AS_IT_IS.get(rule.origin)
    for name in rule.conversions if what else ():
        if name not in _HARMLESS and getattr(rule, name):
            findings.error((*place, name), path, f"{name} does nothing: {what} is put in as it is")


def _check_number(rule: Rule, place: Path, path: str, findings: Findings) -> None:
    form = rule.number
    if form is None or form.thousands != form.decimal:
        return
    named = "thousands" if "thousands" in form.model_fields_set else "decimal"
    findings.error(
        (*place, "number", named),
        path,
        f"{shown(form.decimal)} cannot be both the decimal sign and what groups thousands",
        suggestion=None
        if "decimal" in form.model_fields_set
        else 'say the decimal sign, such as decimal: ","',
        part="value",
    )


def _check_words(rule: Rule, place: Path, path: str, findings: Findings) -> None:
    words = rule.boolean
    for index, word in enumerate(words.false if words else ()):
        if words and word in words.true:
            message = f"{shown(word)} cannot mean both true and false"
            findings.error((*place, "boolean", "false", index), path, message, part="value")
