"""What a load keeps of its start, so that a later process can continue it: one typed value."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue, NonNegativeInt

from loader.settings import RunSettings  # noqa: TC001 - Pydantic needs it when the class is made


class _Kept(BaseModel):
    # An unknown key means a newer loader: to ignore it could continue the load in another way.
    model_config = ConfigDict(extra="forbid", frozen=True)


class KeptFile(_Kept):
    """A second file as it was at the start.

    Attributes:
        path: Where it was, absolute.
        size: Bytes as stored.
        fingerprint: SHA-256 of the bytes as stored, in hex.
    """

    path: str
    size: NonNegativeInt
    fingerprint: str


class KeptGroups(_Kept):
    """How the source's rows make records, where the rows of each record follow one another.

    Attributes:
        records: How many records there are; None where nobody counted them.
    """

    records: NonNegativeInt | None = None


class ApprovedReport(_Kept):
    """The signed dry run that approved the load.

    Attributes:
        code: Its short code, such as `K7QM-3F2X`.
        folder: The folder of its report, absolute.
    """

    code: str
    folder: str


class Manifest(_Kept):
    """What a load keeps of its start; no secrets.

    Attributes:
        settings: The settings of its first run.
        sources: The paths of its files, absolute, in order.
        source_options: The keys of `source:` that `-s` gave, over those of the mapping.
        mapping_path: Where the mapping's file was, absolute; None where it came from no file.
        second_files: The second files, by the name that the mapping has for them.
        groups: How rows make records; None where a row is a record, or where the rows of a record are
            not all in one place, so that the source has to be read once more to know.
        approved: The dry run that approved it; None where none did.
    """

    settings: RunSettings
    sources: tuple[str, ...] = ()
    source_options: dict[str, JsonValue] = {}
    mapping_path: str | None = None
    second_files: dict[str, KeptFile] = {}
    groups: KeptGroups | None = None
    approved: ApprovedReport | None = None

    def dump(self) -> str:
        """Return the manifest as JSON, as the journal stores it."""
        return self.model_dump_json()

    @classmethod
    def load(cls, text: str) -> Self:
        """Return the manifest that `dump` wrote.

        Raises:
            ValueError: The text is not one, or one of a newer loader.
        """
        return cls.model_validate_json(text)
