"""Encodings as far as bytes can tell them; cp1252 where they cannot."""

# ruff: noqa: RUF001 - letters of other scripts are what is tested

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.source.source_cases import opened, read

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = {
    "de": "Müller;Straße 5;Köln\nSchäfer;Gärtnerweg;Düsseldorf\nGroß;Öffnung;Übersee\n",
    "euro": "Müller;Straße 5;12 €\nSchäfer;Gärtnerweg;13 €\n",
    "fr": "Bénédicte;rue de l'Église;Besançon\nFrançois;Château;Nîmes\nélève;là;être\n",
    "œ": "Bénédicte;œuvre;Besançon\nFrançois;cœur;Nîmes\n",
    "es": "Muñoz;Málaga;año\n¿Qué?;Ángel;niño\n",
    "pt": "João;Conceição;opções\nSão;Paulo;Irmã\n",
    "da": "Søren;Østerbro;Århus\nKjær;Ærø;Åse\n",
    "is": "Þórður;Ísafjörður;Æsa\n",
    "pl": "Michał;Świętokrzyska;Łódź\nZofia;Żurawia;Kraków\nGrażyna;Śląska;Gdańsk\n",
    "hu": "Erzsébet;Kossuth tér;Győr\nLászló;Fő út;Székesfehérvár\nGyörgy;Petőfi;Hódmezővásárhely\n",
    "cs": "Dvořák;Náměstí míru;Plzeň\nŠtěpán;Žižkova;Brno\nČerný;Příční;Ústí\n",
    "tr": "Güneş;Şişli;İstanbul\nÇağrı;Beyoğlu;Ağrı\n",
    "ru": "Иван;улица Ленина;Москва\nПётр;Невский;Казань\n",
    "el": "Γιώργος;Αθήνα;οδός\nΜαρία;Θεσσαλονίκη;οδός\n",
    "signs": "Müller;„Köln“ – 5 m²;20°C\nLee’s;½ l;© 2024 ®\n",
    "one letter": "Meier;x;y\nAndré;x;y\n",
}


@pytest.mark.parametrize(
    ("language", "encoding", "name"),
    [
        *[(item, "cp1252", "cp1252") for item in ("de", "euro", "fr", "œ", "es", "pt", "da", "is", "signs")],
        ("one letter", "cp1252", "cp1252"),
        ("de", "iso-8859-1", "cp1252"),  # the same bytes
        ("euro", "iso-8859-15", "iso8859-15"),
        ("œ", "iso-8859-15", "iso8859-15"),
        *[(item, "cp850", "cp850") for item in ("de", "fr", "es", "pt", "da")],
        ("de", "mac-roman", "mac-roman"),
        *[(item, "cp1250", "cp1250") for item in ("pl", "hu", "cs")],
        *[(item, "iso-8859-2", "iso8859-2") for item in ("pl", "cs")],
        ("hu", "iso-8859-2", "cp1250"),  # the same bytes
        ("tr", "cp1254", "cp1254"),
        ("ru", "cp1251", "cp1251"),
        ("ru", "koi8-r", "koi8-r"),
        ("el", "cp1253", "cp1253"),
    ],
)
def test_single_byte_encodings(tmp_path: Path, language: str, encoding: str, name: str) -> None:
    """Letters tell the encoding; where two give the same text, the more usual one is named."""
    text = "Name;Street;City\n" + TEXTS[language]
    source = opened(tmp_path, text.encode(encoding))
    assert source.files[0].notes == (f'detected: {name}, ";", quote ", header in line 1',)
    assert read(source).cells == [tuple(line.split(";")) for line in TEXTS[language].splitlines()]


def test_one_foreign_name_among_many(tmp_path: Path) -> None:
    """A few French names do not turn a German file into an Eastern one."""
    rows = "Müller;Köln\n" * 30 + "Hélène;Besançon\nFrançois;Nîmes\n"
    source = opened(tmp_path, f"Name;City\n{rows}".encode("cp1252"))
    assert read(source).cells[-1] == ("François", "Nîmes")


@pytest.mark.parametrize(
    "cell", ["à", "Vente à Paris", "å", "Ä", "é bom", "5 ó 6", "ø", "ã", "Ö-vik", "ÉTÉ À", "à;è", "Ä/Ö/Ü"]
)
def test_letters_that_stand_alone(tmp_path: Path, cell: str) -> None:
    """One cell in every record is one word, not a thousand: a letter alone speaks for no other script."""
    rows = "".join(f"{number};{cell}\n" for number in range(1_000))
    source = opened(tmp_path, f"n;text;more\n{rows}".encode("cp1252"))
    assert source.files[0].notes[0].startswith("detected: cp1252")


@pytest.mark.parametrize("letter", ["é", "–"])
def test_first_letter_far_down(tmp_path: Path, letter: str) -> None:
    """Where a large file begins with nothing but ASCII, its other parts tell the encoding."""
    rows = "".join(f"{number};some text that fills the line\n" for number in range(60_000))
    odd = f"1;caf{letter}\n" * 3_000
    source = opened(tmp_path, f"n;text\n{rows}{odd}".encode("cp1252"))
    assert source.files[0].notes[0].startswith("detected: cp1252")
    assert next(source.batches(100_000)).rows["text"][-1] == f"caf{letter}"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_wide_encodings(tmp_path: Path, encoding: str, mark: str) -> None:
    """UTF-16 and UTF-32 are found by their mark or by the places of the zeros."""
    source = opened(tmp_path, (mark + "Náme;b\n1;ž\n2;€\n").encode(encoding))
    dialect = source.files[0].dialect
    assert dialect is not None
    assert (dialect.encoding, dialect.bom) == (encoding, bool(mark))
    assert read(source).cells == [("1", "ž"), ("2", "€")]
