"""The store: what is written is there, in order, after a restart, and other databases are left alone."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from loader.errors import ConfigurationError
from loader.sandbox import RunningSandbox, SandboxSettings
from loader.sandbox.store import Store, StoredRecord
from tests.sandbox.bodies import client_of, run, template

if TYPE_CHECKING:
    from pathlib import Path


def entry(number: int) -> StoredRecord:
    """An entry with this number for an id."""
    return StoredRecord("billing-run", "acme", str(number), "L", None, f'{{"id":"{number}"}}')


def test_a_restart_on_the_same_store_keeps_the_records(tmp_path: Path) -> None:
    """Records outlive the sandbox: they are read, listed and referred to by the next."""
    settings = SandboxSettings(store=tmp_path / "sandbox.db")
    with RunningSandbox(settings) as sandbox, client_of(sandbox.url) as client:
        stored = client.post("/billingTemplates/acme", json=template()).json()
    with RunningSandbox(settings) as sandbox, client_of(sandbox.url) as client:
        assert client.get(f"/billingTemplates/acme/{stored['id']}").json() == stored
        assert client.post("/billingRuns/acme", json=run(template_id=stored["id"])).status_code == 200
        assert client.get("/billingTemplates/acme").json() == {"Count": 1, "Items": [stored]}


def test_records_written_at_once_are_all_there_in_the_order_they_came(tmp_path: Path) -> None:
    """More records than a group holds are committed, each before its writer goes on."""

    async def add(store: Store, number: int) -> bool:
        await store.add(entry(number))
        return store.get("billing-run", "acme", str(number)) is not None

    async def add_all(store: Store) -> list[bool]:
        return await asyncio.gather(*(add(store, number) for number in range(1200)))

    with closing(Store(tmp_path / "sandbox.db")) as store:
        assert all(asyncio.run(add_all(store)))
        page = store.page("billing-run", "acme", size=5000)
    assert page.bodies == tuple(entry(number).body for number in range(1200))
    assert page.last is None


def test_a_group_that_fails_fails_whole_and_the_next_goes_on(tmp_path: Path) -> None:
    """A record that cannot be written raises where it was added, and leaves the store in order."""

    async def add_some(store: Store) -> None:
        await store.add(entry(1))
        with pytest.raises(sqlite3.IntegrityError):
            await store.add(entry(1))
        await store.add(entry(2))

    with closing(Store(tmp_path / "sandbox.db")) as store:
        asyncio.run(add_some(store))
        assert len(store.page("billing-run", "acme", size=10).bodies) == 2


def test_a_temporary_store_is_gone_at_the_end() -> None:
    """Without a file named, nothing is left behind; closing twice does nothing more."""
    store = Store(None)
    assert store.path.exists()
    store.close()
    store.close()
    assert not store.path.parent.exists()


def test_another_database_is_not_written_into(tmp_path: Path) -> None:
    """A SQLite file that is none of a sandbox is refused and stays as it is."""
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE loads (id TEXT)")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"journal\.db: expected a sandbox's store"):
        Store(path)
    assert path.read_bytes() == before


def test_a_store_of_another_version_is_told_as_such(tmp_path: Path) -> None:
    """It is a sandbox's, so the message does not call it something else."""
    path = tmp_path / "sandbox.db"
    Store(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 1")
    with pytest.raises(ConfigurationError, match=r"store of version 2 .* one of version 1"):
        Store(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A text file is named and left alone."""
    path = tmp_path / "notes.txt"
    path.write_text("notes " * 1000)
    with pytest.raises(ConfigurationError, match=r"notes\.txt"):
        Store(path)
    assert path.read_text() == "notes " * 1000


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The store's folder is not made by guessing."""
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        Store(tmp_path / "nowhere" / "sandbox.db")
