"""The journal's tables. A change of them is a new VERSION."""

from __future__ import annotations

from typing import Final

from loader.journal.states import CLOSED_FROM, RowState

APPLICATION_ID: Final = 0x4C4F4452  # "LODR", in the file's header: tells the journal from other databases
VERSION: Final = 3
TABLES: Final = ("scope", "claim", "load", "load_row", "checkpoint", "tally", "pace", "decision", "timeline")

SEQ_BITS: Final = 40
"""A row's key is `load_no << SEQ_BITS | seq`: one integer, so that rows lie in order of load and seq."""

_STATES = ", ".join(f"{state.value} {state.name.lower()}" for state in RowState)

MISSING_REFERENCE: Final = f"state = {RowState.REFUSED.value} AND http_status = 409"
"""Rows that were refused because they refer to something that is not there."""

DDL: Final = f"""
CREATE TABLE scope (                 -- where external ids mean something
  scope_no INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  resource TEXT NOT NULL,
  UNIQUE (tenant, resource)
);
CREATE TABLE claim (                 -- who claimed a scope last; a lock decides whether the claim still holds
  scope_no INTEGER PRIMARY KEY REFERENCES scope,
  epoch INTEGER NOT NULL,            -- counts the claims
  load_id TEXT NOT NULL,
  process INTEGER NOT NULL,
  machine TEXT NOT NULL,
  claimed_at TEXT NOT NULL           -- ISO 8601, UTC
);
CREATE TABLE load (
  load_no INTEGER PRIMARY KEY,
  load_id TEXT NOT NULL UNIQUE,
  scope_no INTEGER NOT NULL REFERENCES scope,
  base_url TEXT NOT NULL,
  mapping_name TEXT NOT NULL,
  mapping_text TEXT NOT NULL,
  manifest TEXT NOT NULL,            -- JSON
  files TEXT NOT NULL,               -- JSON
  created_at TEXT NOT NULL,          -- ISO 8601, UTC
  state TEXT NOT NULL,
  sent INTEGER NOT NULL,             -- requests over all runs; likewise the next three
  retried INTEGER NOT NULL,
  throttled INTEGER NOT NULL,
  seconds REAL NOT NULL,
  reason TEXT NOT NULL
);
CREATE TABLE load_row (
  key INTEGER PRIMARY KEY,           -- load_no << {SEQ_BITS} | seq
  scope_no INTEGER NOT NULL,
  file_no INTEGER NOT NULL,
  record_no INTEGER NOT NULL,
  line INTEGER,
  external_id TEXT,
  payload_hash BLOB,
  state INTEGER NOT NULL,            -- {_STATES}
  id TEXT,
  http_status INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  code TEXT,                         -- of the first finding
  findings TEXT                      -- JSON
);
CREATE INDEX load_row_external ON load_row (scope_no, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX load_row_open ON load_row (state) WHERE state < {CLOSED_FROM};
CREATE INDEX load_row_blocked ON load_row (state) WHERE state = {RowState.BLOCKED.value};
CREATE INDEX load_row_missing_reference ON load_row (http_status) WHERE {MISSING_REFERENCE};
CREATE TABLE checkpoint (            -- where batches begin
  load_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  file_no INTEGER NOT NULL,
  record_no INTEGER NOT NULL,
  line INTEGER NOT NULL,
  byte_offset INTEGER NOT NULL,
  PRIMARY KEY (load_no, seq)
) WITHOUT ROWID;
CREATE TABLE tally (                 -- rows by state, kept in the transaction that changes them
  load_no INTEGER NOT NULL,
  state INTEGER NOT NULL,
  row_count INTEGER NOT NULL,
  PRIMARY KEY (load_no, state)
) WITHOUT ROWID;
CREATE TABLE pace (                  -- the rate that the service allowed, for the next run
  scope_no INTEGER NOT NULL,
  base_url TEXT NOT NULL,
  rate REAL NOT NULL,
  PRIMARY KEY (scope_no, base_url)
) WITHOUT ROWID;
CREATE TABLE decision (              -- what a person decided about rows in doubt
  load_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  verdict TEXT NOT NULL,             -- created, unsent
  decided_by TEXT NOT NULL,
  decided_at TEXT NOT NULL           -- ISO 8601, UTC
);
CREATE TABLE timeline (              -- when things happened; an entry a second that had a commit
  load_no INTEGER NOT NULL,
  second INTEGER NOT NULL,           -- since the load started; never before an earlier entry's
  started INTEGER NOT NULL,          -- times that work on the load started
  created_before INTEGER NOT NULL,   -- rows created before this second
  throttled_before INTEGER NOT NULL, -- answers likewise
  found_stored INTEGER NOT NULL,     -- rows in doubt that a readback found; likewise the next
  found_absent INTEGER NOT NULL,
  PRIMARY KEY (load_no, second)
) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""
