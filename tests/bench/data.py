"""Files to measure with: as wide as a legacy export, mostly right, some rows wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS: Final = 40
_WORDS: Final = ("Frühjahr", "Sommer", "Herbst", "Winter", "Prüfung", "Verlängerung", "Kurs", "Verband")


def write_csv(path: Path, rows: int) -> None:
    """Writes a UTF-8 CSV of about 750 bytes a row; one row in a hundred has a bad date.

    Args:
        path: Where to.
        rows: How many.
    """
    header = ["RunId", "Name", "State", "RunDate", "From", "To", "Email", "Flag", "Programs", "Amount"]
    header += [f"Extra{number}" for number in range(len(header), COLUMNS)]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(";".join(header) + "\n")
        for number in range(rows):
            file.write(_row(number))


def _row(number: int) -> str:
    word = _WORDS[number % len(_WORDS)]
    day = f"{number % 28 + 1:02}.{number % 12 + 1:02}.{2010 + number % 15}"
    cells = [
        f"{number:08}",
        f"{word} {number}",
        "DCS"[number % 3],
        "31.02.2019" if number % 100 == 50 else day,
        day,
        day,
        f"office{number % 977}@example.org",
        "YN"[number % 2],
        f"P{number % 90:02},P{number % 89:02},P{number % 88:02}",
        f"{number % 9999}.{number % 100:02}",
    ]
    cells += [f'"{word}; {number + item:016}"' for item in range(COLUMNS - len(cells))]
    return ";".join(cells) + "\n"


MAPPING: Final = """
resource: billing-run
external_id: RunId
ignore: ["Extra*"]
fields:
  name: Name
  status: {column: State, map: {D: draft, C: completed, S: scheduled}}
  run_date: {column: RunDate, date: "%d.%m.%Y"}
  scheduled_run_date: {column: From, date: "%d.%m.%Y"}
  preprocessing_date: {column: To, date: "%d.%m.%Y"}
  notification_email: {column: Email, case: lower}
  bill_training_providers: {column: Flag, boolean: {true: [Y], false: [N]}}
  perform_drops: Flag
  expire_applications: Flag
  sys_snapshot_base_version: Amount
  application_activation_options:
    program_ids: {column: Programs, split: ","}
    program_restriction: {value: include}
    application_notice_id: Extra10
    status_reason_ids: [Extra11, Extra12]
  application_expiration_options.expiration_date_range_start: {column: From, date: "%d.%m.%Y"}
  application_expiration_options.expiration_date_range_end: {column: To, date: "%d.%m.%Y"}
  application_reminder_options.reminders:
    - {reminder_notice_id: Extra13, name: Extra14}
    - {reminder_notice_id: Extra15, name: Extra16}
  drop_options: {drop_notice_id: Extra17, a: Extra18, b: Extra19, c: Extra20, d: Extra21}
  renewal_forecasting_options: {e: Extra22, f: Extra23, g: Extra24, h: Extra25, i: Extra26}
  renewal_reminder_options: {j: Extra27, k: Extra28, l: Extra29, m: Extra30, n: Extra31}
  training_provider_billing_options: {invoice_template_id: Extra32, payment_terms_id: Extra33}
"""
"""A mapping for `write_csv`: 41 leaves on three levels."""
