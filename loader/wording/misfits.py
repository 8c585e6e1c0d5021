"""The wording of JSON that is not valid or does not fit its field: of cells, and of a mapping's constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.wording.phrases import Wording, choose, select

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loader.wording.phrases import Text

_FIX: Final = "Correct {cells}: {field} takes the JSON that `loader schema` describes."
_VALID: Final = "Correct {cells} so that they are valid JSON."


def _of_member(before: str, text: str) -> Text:
    """Return a text with the place inside of the JSON in front, where it is not the whole of it."""
    return choose("place", f"{before}: {{place}}: {text}", f"{before}: {text}")


def _group(text: str) -> Text:
    """Return a text for all findings about one member, whatever their place in a list."""
    return choose("member", f"the JSON does not fit: {{member}} {text}", f"the JSON does not fit: it {text}")


MISFITS_OF_JSON: Final[Mapping[str, Wording]] = {
    "json.syntax": Wording(
        message="{found} is not valid JSON: {words} (character {position})",
        expected="valid JSON",
        fix=_VALID,
        reason="not valid JSON: {words}",
    ),
    "json.duplicate_key": Wording(
        message="{found} has the key '{key}' twice",
        expected="each key once",
        fix="Correct {cells}: keep one of the two keys.",
        reason="JSON with the key '{key}' twice",
    ),
    "json.not_a_number": Wording(
        message="{found} holds {number}, a number that JSON cannot hold",
        expected="finite numbers",
        fix="Correct {cells}, or use null for such numbers.",
        reason="a number that JSON cannot hold",
    ),
    "json.surrogate": Wording(
        message="{found} has half of a surrogate pair, which is not a character",
        expected="text of whole characters",
        fix=_VALID,
        reason="half of a surrogate pair",
    ),
    "json.too_deep": Wording(
        message="the JSON is nested too deeply",
        expected="fewer levels",
        fix="Correct {cells}: use fewer levels of lists and objects.",
    ),
    "json.date_out_of_range": Wording(
        message="the value holds a date outside of the years 1 to 9999",
        expected="dates in the years 1 to 9999",
        fix="Correct the dates in {source_column}.",
    ),
    "json.wrong_type": Wording(
        message=_of_member("the JSON does not fit", "expected {takes}, found {part}"),
        expected=choose("place", "{takes} at {place}", "{takes}"),
        fix=_FIX,
        reason=_group("is not {takes}"),
    ),
    "json.wrong_value": Wording(
        message=_of_member("the JSON does not fit", "expected one of {allowed}, found {part}"),
        expected=choose("place", "one of {allowed} at {place}", "one of {allowed}"),
        fix=_FIX,
        reason=_group("is not an allowed value"),
    ),
    "json.minimum": Wording(
        message=_of_member("the JSON does not fit", "expected {minimum} or more, found {part}"),
        expected=choose("place", "{minimum} or more at {place}", "{minimum} or more"),
        fix=_FIX,
        reason=_group("is less than {minimum}"),
    ),
    "json.missing_field": Wording(
        message="the JSON does not fit: {place} is missing",
        expected="a value at {place}",
        fix="Add {member_name} to the JSON in {source_column}.",
        reason="the JSON does not fit: {member} is missing",
    ),
    "json.unknown_field": Wording(
        message="the JSON does not fit: {place} is not a field of {field}",
        expected="fields that {field} has",
        fix="Remove or rename {member_name} in {source_column}; `loader schema` lists the fields.",
        reason="the JSON does not fit: {member} is not a field",
    ),
    "json.invalid": Wording(
        message=choose(
            "part",
            _of_member("the JSON does not fit", "{words}, found {part}"),
            _of_member("the JSON does not fit", "{words}"),
        ),
        expected="JSON that {field} takes",
        fix=_FIX,
        reason=choose("member", "the JSON does not fit: {member}: {words}", "the JSON does not fit: {words}"),
    ),
}


def _constant(text: str) -> Text:
    """Return what is wrong with a constant; where that is inside of it, also what was found there."""
    return _by_role(
        lambda what: choose(
            "place", f"{what} does not fit: {{place}}: {text}, found {{part}}", f"{what} does not fit: {text}"
        )
    )


def _by_role(text: Callable[[str], Text]) -> Text:
    """Return a text about a constant by its use: `value`, `default`, `otherwise`, or an entry of `map`."""
    roles = {
        "value": text("the constant {got}"),
        "default": text("the default {got}"),
        "otherwise": text("the value {got} of `otherwise`"),
    }
    return select("role", roles, text("the value {got} of '{key}'"))


CONSTANTS: Final[Mapping[str, Wording]] = {
    "constant.wrong_type": Wording(
        message=_constant("expected {takes}"),
        expected="{takes}",
        fix=select(
            "takes",
            {
                "text": "Write a text, in quotes.",
                "a date": 'Write a date in quotes, such as "2024-01-31".',
                "a number": "Write a number, without quotes.",
                "true or false": "Write true or false, without quotes.",
                "an object": "Write an object, with its fields indented below the key.",
                "a list": "Write a list, such as [A, B].",
            },
            "Write {takes}.",
        ),
    ),
    "constant.enum": Wording(
        message=_constant("expected one of {allowed}"),
        expected="one of {allowed}",
        fix=choose("suggestion", "Write '{suggestion}'.", "Write one of {allowed}."),
    ),
    "constant.minimum": Wording(
        message=_constant("expected {minimum} or more"),
        expected="{minimum} or more",
        fix="Write a number of {minimum} or more.",
    ),
    "constant.missing_field": Wording(
        message=_by_role(lambda what: f"{{place}} is missing in {what}"),
        expected="a value for {place}",
        fix="Add {place}.",
    ),
    "constant.unknown_field": Wording(
        message=_by_role(lambda what: f"{what} has the unknown field {{place}}"),
        expected="fields that {field} has",
        fix=choose(
            "suggestion", "Write '{suggestion}'.", "Remove {place}; `loader schema` lists the fields."
        ),
    ),
    "constant.invalid": Wording(
        message=_constant("{words}"),
        expected="a value that {field} takes",
        fix="Correct the constant; `loader schema` describes what {field} takes.",
    ),
}
