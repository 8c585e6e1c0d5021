"""What a load keeps of its start, through JSON and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.manifest import ApprovedReport, KeptFile, KeptGroups, Manifest
from loader.settings import ErrorLimit, RunSettings

TEXTS = st.text(max_size=5)
MANIFESTS = st.builds(
    Manifest,
    settings=st.builds(
        RunSettings,
        tenant=st.just("acme"),
        base_url=st.none() | TEXTS,
        rate=st.none() | st.floats(0.01, 1e6),
        limit=st.none() | st.integers(1, 10**9),
        max_errors=st.none() | st.builds(ErrorLimit, count=st.integers(0, 99)) | st.just("2.5%"),
    ),
    sources=st.lists(TEXTS, max_size=3).map(tuple),
    source_options=st.dictionaries(TEXTS, st.none() | TEXTS | st.booleans() | st.integers(), max_size=3),
    mapping_path=st.none() | TEXTS,
    second_files=st.dictionaries(
        TEXTS, st.builds(KeptFile, path=TEXTS, size=st.integers(0), fingerprint=TEXTS), max_size=2
    ),
    groups=st.none() | st.builds(KeptGroups, records=st.none() | st.integers(0)),
    approved=st.none() | st.builds(ApprovedReport, code=TEXTS, folder=TEXTS),
)


@given(MANIFESTS)
def test_it_is_read_as_it_was_written(manifest: Manifest) -> None:
    """Every part, also those that are left out."""
    assert Manifest.load(manifest.dump()) == manifest


def test_it_needs_settings_only() -> None:
    """Everything else has a default."""
    manifest = Manifest(settings=RunSettings(tenant="acme"))
    assert (manifest.approved, manifest.groups, manifest.second_files) == (None, None, {})


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"settings": {"tenant": ""}}', '{"settings": {"tenant": "acme"}, "more": 1}']
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    """A key of a newer loader, too: to ignore it could continue the load in another way."""
    with pytest.raises(ValueError, match="validation error"):
        Manifest.load(text)


def test_no_secret_is_kept() -> None:
    """The settings have no field for one."""
    data = json.loads(Manifest(settings=RunSettings(tenant="acme")).dump())
    assert not [name for name in data["settings"] if "token" in name or "secret" in name]
