"""Encodings: which letters speak for which, how clearly they must, and where they are looked for."""

# ruff: noqa: RUF001 - letters of other scripts are what is labelled

from __future__ import annotations

from typing import Final

from tests.source.corpus.case import Case, Label, case, lines

KB: Final = 1024


def words(encoding: str, *cells: str, delimiter: str = ";") -> Case:
    """Return a file that has these words in its second column."""
    text = f"id{delimiter}name\n" + "".join(f"{place}{delimiter}{word}\n" for place, word in enumerate(cells))
    return case(text, columns="id|name", records=len(cells), encoding=encoding, delimiter=delimiter)


def far_down(offset: int, encoding: str, rejected: int = 0) -> Case:
    """Return a file of 4 MB, all ASCII but for three records in cp1252 at an offset."""
    filler = "{:07d};some text that fills the line"
    size = len(filler.format(0)) + 1
    above, below = offset // size, (4096 * KB - offset) // size
    text = "id;text\n" + lines(above, filler) + "0;café\n" * 3 + lines(below, filler)
    label = Label(columns="id|text", records=above + 3 + below, rejected=rejected, encoding=encoding)
    return Case(text.encode("cp1252"), label)


CASES: Final[dict[str, Case]] = {
    # --- what is common ----------------------------------------------------------------------------------
    "ASCII": words("utf-8", "Ann", "Bob"),
    "UTF-8": words("utf-8", "Müller", "Łódź"),
    "German in cp1252": words("cp1252", "Müller", "Straße", "Köln"),
    "German in cp850": words("cp850", "Müller", "Straße", "Köln", "Schäfer"),
    "French in cp1252": words("cp1252", "Bénédicte", "Besançon", "Nîmes"),
    "Polish in cp1250": words("cp1250", "Michał", "Świętokrzyska", "Zofia", "Gdańsk"),
    "Polish in ISO 8859-2": words("iso8859-2", "Michał", "Świętokrzyska", "Śląska", "Gdańsk"),
    "Turkish in cp1254": words("cp1254", "Güneş", "Şişli", "İstanbul", "Çağrı", "Ağrı"),
    "Russian in cp1251": words("cp1251", "Иван", "Москва", "Казань"),
    "Russian in KOI8-R": words("koi8-r", "Иван", "Москва", "Казань"),
    "Greek in cp1253": words("cp1253", "Γιώργος", "Αθήνα", "Μαρία"),
    # --- what a letter in an unlikely place costs --------------------------------------------------------
    "one Russian word": words("cp1251", "улица"),
    "two Polish words, one of them in capitals and accents": words("cp1250", "Wałęsa", "Łódź"),
    # --- what a letter of another language costs ---------------------------------------------------------
    "three Hungarian words": words("cp1250", "László", "Győr", "Fő"),
    "Croatian beside Romanian": words("cp1250", "Šibenik", "Kovačić", "Braşov", "Iaşi"),
    # --- what a sign or letter in a wrong place costs ----------------------------------------------------
    "Portuguese beside Estonian in cp850": words("cp850", "Irmã", "João", "Võru", "Tõnu"),
    # --- what a byte without a letter costs --------------------------------------------------------------
    "Danish beside French in Mac Roman": words("mac-roman", "Ærø", "Besançon"),
    "German in cp1252 with one damaged byte": Case(
        words("cp1252", "Müller", "Köln", "Schäfer", "Jürgen", "Böhm", "Günther", "Größe", "Düren").content
        + b"9;Me\x81er\n",
        Label(columns="id|name", records=9, rejected=1, encoding="cp1252"),
    ),
    # --- by how much another encoding must be better -----------------------------------------------------
    "footnotes speak against cp1252, names do not": words("cp1252", *["Michèle"] * 30, *["Preis¹"] * 3),
    "four Czech words": words("cp1250", "Jiří", "Plzeň", "Dvořák", "Plzeň"),
    # --- how far is looked -------------------------------------------------------------------------------
    "Polish behind 12,000 letters that cp1252 has": words("cp1250", *["Kraków"] * 12_000, *["Michał"] * 500),
    "Polish behind 25,000 letters that cp1252 has comes too late": Case(
        words("cp1250", *["Kraków"] * 25_000, *["Michał"] * 500).content,
        Label(columns="id|name", records=25_500, encoding="cp1252"),
    ),
    "a letter after 900 KB": far_down(900 * KB, "cp1252"),
    "a letter after 1.4 MB, between the places that are looked at": far_down(1400 * KB, "utf-8", rejected=3),
    "a letter 32 KB behind a sixteenth of the file": far_down(1312 * KB, "cp1252"),
    # --- UTF-16 and UTF-32 without a mark ----------------------------------------------------------------
    "UTF-16": words("utf-16-le", "Ann", "Bob", "Łódź"),
    "UTF-32": words("utf-32-be", "Ann", "Bob", "Łódź"),
    "UTF-16 that begins with Greek": case(
        "όνομα;πόλη\nΓιώργος Παπαδόπουλος;Θεσσαλονίκη Μακεδονίας\n" + "Ann Lee of Bonn;Ulm\n" * 30,
        columns="όνομα|πόλη",
        records=31,
        encoding="utf-16-le",
    ),
    "UTF-16 that begins with ASCII and goes on in Greek": case(
        "# export of all members, made by the old system\n" * 11
        + "id;name\n"
        + "5;Γιώργος Παπαδόπουλος\n" * 100,
        columns="id|name",
        records=100,
        preamble=11,
        encoding="utf-16-le",
    ),
    **{
        f"{encoding} with 46 % ASCII": case(
            "a;b\n" + "Γιώργος;Ann Lee\n" * 5 + "Θεσσαλονίκη;Bonn\n" * 5,
            columns="a|b",
            records=10,
            encoding=encoding,
        )
        for encoding in ("utf-16-le", "utf-16-be")
    },
    **{
        f"{encoding} with 3 % emoji": case(
            "id;text\n" + "1;so good 😀 and more text\n" * 9, columns="id|text", records=9, encoding=encoding
        )
        for encoding in ("utf-32-le", "utf-32-be")
    },
}
