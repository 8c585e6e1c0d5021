"""Words of billing exports, English and German, by what they mean.

A concept has one English word as its name; the words behind it mean the same in a column's or field's name.
A word may belong to several concepts (`von` is from a day, or by a person).
"""

from __future__ import annotations

from typing import Final

from loader.mapping.conversions import FALSE_WORDS, TRUE_WORDS

CONCEPTS: Final[dict[str, str]] = {
    "id": "id ids key keys nr no num number nummer code kennung schluessel ref kuerzel",
    "date": "date dates datum dat day tag on at am time zeit zeitpunkt timestamp ts",
    "name": "name title titel bezeichnung bez label benennung caption betreff subject",
    "description": "description desc beschreibung purpose zweck",
    "status": "status state zustand stat",
    "email": "email emails mail mails epost",
    "notification": "notification notifications notify contact kontakt owner ansprechpartner",
    "created": "created create creation angelegt anlage erstellt erfasst erfassung",
    "modified": "modified changed change updated update geaendert aenderung",
    "deleted": "deleted delete geloescht",
    "by": "by von durch user benutzer",
    "start": "start from von ab begin begins beginning beginn since anfang seit",
    "end": "end to bis until till thru through ende",
    "run": "run runs lauf laeufe laufs",
    "bill": "bill bills billing abrechnung abrechnen abrechnungs fakturierung",
    "notice": "notice notices mitteilung mitteilungen benachrichtigung schreiben anschreiben hinweis",
    "program": "program programs programme programmes programm prog kurs kurse",
    "training": "training trainings bildung bildungs trainings",
    "provider": "provider providers anbieter traeger",
    "invoice": "invoice invoices invoicing rechnung rechnungen inv",
    "template": "template templates vorlage vorlagen tmpl muster",
    "payment": "payment payments zahlung zahlungs pay",
    "terms": "terms term bedingung bedingungen konditionen ziel",
    "restrict": "restriction restrictions restrict rule rules regel regeln einschraenkung filter",
    "application": "application applications app apps antrag antraege bewerbung bewerbungen",
    "type": "type types typ typen art arten",
    "reason": "reason reasons grund gruende",
    "activate": "activate activates activation activations aktivieren aktivierung",
    "active": "active aktiv enabled",
    "expire": "expire expires expired expiration expiry valid validity ablauf ablaufen gueltig gueltigkeit",
    "drop": "drop drops dropped streichen streichung austragen",
    "forecast": "forecast forecasts forecasting prognose vorschau",
    "renewal": "renewal renewals renew verlaengerung verlaengerungen erneuerung",
    "reminder": "reminder reminders remind erinnerung erinnerungen mahnung mahnungen",
    "schedule": "scheduled schedule planned plan geplant",
    "prepare": "preprocessing preprocessed preprocess prepared prepare vorbereitet vorbereitung",
    "recurring": "recurring recurrence series serie wiederkehrend",
    "advance": "advance advances advancement vorruecken",
    "phase": "phase phases phasen",
    "school": "school schools schule schulen",
    "visit": "visit visits besuch besuche",
    "team": "team teams",
    "fundraising": "fundraising spenden",
    "lock": "locked lock gesperrt sperre",
    "version": "version versions",
    "error": "error errors fehler",
    "send": "send sends sent senden versenden versand",
    "option": "option options optionen",
}

PHRASES: Final[dict[tuple[str, ...], tuple[str, ...]]] = {
    ("e", "mail"): ("email",),
    ("e", "mails"): ("email",),
    ("tp",): ("training", "provider"),
    ("net", "days"): ("payment", "terms"),
    ("net", "terms"): ("payment", "terms"),
    ("netto", "tage"): ("payment", "terms"),
    ("zahlungsfrist",): ("payment", "terms"),
    ("bildungstraeger",): ("training", "provider"),
    ("trainingsanbieter",): ("training", "provider"),
    ("laufdatum",): ("run", "date"),
}
"""Consecutive words that mean something together."""

WEAK: Final = frozenset(
    {"id", "date", "option", "send", "sys", "is", "has", "the", "of", "in", "perform", "range", "s3"}
)
"""Concepts that hardly show which field is meant: the form of a value, not its meaning."""

TRUE_LIKE: Final = frozenset(TRUE_WORDS) | frozenset(
    "j ja wahr x on an aktiv active oui o si s sim ✓ ✔".split()  # noqa: SIM905 - a list to read
)
FALSE_LIKE: Final = frozenset(FALSE_WORDS) | frozenset(
    "nein falsch off aus inaktiv inactive non nao não".split()  # noqa: SIM905 - likewise
)
"""Words for true and false, in lower case: those that fields take by themselves, and others of files."""

NULL_WORDS: Final = ("NULL", "null", "Null", "(null)", "<null>", "n/a", "N/A", "#N/A", "#NV", "nil", "\\N")
"""Texts that programs write for an absent value."""

DASHES: Final = ("-", "--", "\u2013", "\u2014")
"""Likewise, where they have no meaning of their own."""

TRIAL_WORDS: Final = frozenset({"test", "dummy", "demo", "testlauf", "probelauf", "probe", "trial"})
"""States of rows that were only a trial; in lower case."""

MEANINGS: Final[dict[str, str]] = {
    "draft": "entwurf neu new",
    "completed": "abgeschlossen erledigt fertig done complete finished closed beendet",
    "cancelled": "canceled storniert abgebrochen storno x",
    "scheduled": "geplant terminiert planned",
    "error": "fehler failed fehlgeschlagen fehlerhaft",
    "running": "laufend läuft laeuft aktiv active",
    "preprocessing": "vorbereitung",
    "timed out": "timeout zeitüberschreitung",
    "include": "+ ein einschließen einschliessen nur only inkl incl",
    "exclude": "- aus ausschließen ausschliessen ohne except exkl excl",
    "none": "keine kein ohne nichts all alle",
    "days": "day tage tag",
    "weeks": "week wochen woche",
    "months": "month monate monat",
    "years": "year jahre jahr",
    "before": "vor",
    "after": "nach",
    "on": "am",
}
"""Members of enums -> other words for them, in lower case."""

USUAL_CODES: Final = {"c": "completed", "x": "cancelled"}
"""What a letter means in most status columns, where several members begin with it or none does."""
