"""Read rules of a mapping file, and what is left of those with wrong keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from loader.mapping.grammar import NEEDS, ORIGINS, Rule
from loader.mapping.grammar_errors import KEY, add_grammar_errors
from loader.text import nearest

if TYPE_CHECKING:
    from loader.mapping.findings import Findings
    from loader.mapping.yaml_paths import YamlPath


def read_rule(value: Any, yaml_path: YamlPath, field: str, findings: Findings) -> Rule | None:
    """Return a rule, or what is left of it without its wrong keys, for further checks.

    Args:
        value: An object of the file.
        yaml_path: Where it is in the file.
        field: The payload's path, or the mapping's own key.
        findings: All that is wrong goes in here.

    Returns:
        None where what is left has no origin, or is not an object.
    """
    rest, is_first = value, True
    while True:
        try:
            return Rule.model_validate(rest)
        except ValidationError as error:
            wrong = wrong_keys(error)
            # From the second time on, an origin that is missing may be the wrong key that was left out.
            if is_first or not wrong <= {"", "lookup"}:
                add_grammar_errors(error, yaml_path, field, Rule, findings)
            if not isinstance(rest, dict) or not wrong & rest.keys() or wrong & {*ORIGINS}:
                return None
            is_first = False
            rest = _without(rest, wrong)


def wrong_keys(error: ValidationError) -> set[str]:
    """Return the keys of an object that an error is about; the empty text is the object as a whole."""
    return {
        str(details["loc"][0] if details["loc"] else details.get("ctx", {}).get(KEY, ""))
        for details in error.errors(include_url=False)
    }


def _without(value: dict[str, Any], wrong: set[str]) -> dict[str, Any]:
    """Return a rule without wrong keys, and without those that need one of them, misspelled or not."""
    # An origin stays: without it, what is left would be another rule.
    needs = {key: needed for key, needed in NEEDS.items() if key not in ORIGINS}
    idle = {key for key, needed in needs.items() if any(nearest(name, [needed]) for name in wrong)}
    return {key: option for key, option in value.items() if key not in wrong | idle}
