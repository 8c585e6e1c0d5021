"""The journal's tables. A change of them is a new VERSION and a step that brings an older file along."""

from __future__ import annotations

from typing import Final

from loader.journal.states import CLOSED_FROM, RowState

APPLICATION_ID: Final = 0x4C4F4452  # "LODR": says in the file's header whose it is
VERSION: Final = 2
TABLES: Final = ("scope", "load", "load_row", "checkpoint", "tally", "pace", "decision", "timeline")

SEQ_BITS: Final = 40
"""A row's key is `load_no << SEQ_BITS | seq`: one integer, so that lines lie in order of load and row."""

_STATES = ", ".join(f"{state.value} {state.name.lower()}" for state in RowState)

DANGLING: Final = f"state = {RowState.REFUSED.value} AND http_status = 409"
"""Rows that were refused because they refer to something that is not there."""

_TIMELINE: Final = """
CREATE TABLE timeline (              -- when things happened; a line a second that had a commit
  load_no INTEGER NOT NULL,
  second INTEGER NOT NULL,           -- since the load began; never before an earlier line's
  begun INTEGER NOT NULL,            -- times that work on the load began
  created_before INTEGER NOT NULL,   -- rows created before this second
  throttled_before INTEGER NOT NULL, -- answers likewise
  found INTEGER NOT NULL,            -- rows in doubt that a lookup found; likewise the next
  absent INTEGER NOT NULL,
  PRIMARY KEY (load_no, second)
) WITHOUT ROWID;
"""

STEPS: Final = {1: _TIMELINE}
"""What brings a file of each earlier version to the next one; what is in it stays."""

DDL: Final = f"""
CREATE TABLE scope (                 -- where external ids mean something
  scope_no INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  resource TEXT NOT NULL,
  UNIQUE (tenant, resource)
);
CREATE TABLE load (
  load_no INTEGER PRIMARY KEY,
  load_id TEXT NOT NULL UNIQUE,
  scope_no INTEGER NOT NULL REFERENCES scope,
  base_url TEXT NOT NULL,
  mapping_name TEXT NOT NULL,
  mapping_text TEXT NOT NULL,
  settings TEXT NOT NULL,            -- JSON
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
  message TEXT NOT NULL DEFAULT '',
  findings TEXT                      -- JSON
);
CREATE INDEX load_row_external ON load_row (scope_no, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX load_row_open ON load_row (state) WHERE state < {CLOSED_FROM};
CREATE INDEX load_row_blocked ON load_row (state) WHERE state = {RowState.BLOCKED.value};
CREATE INDEX load_row_dangling ON load_row (http_status) WHERE {DANGLING};
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
CREATE TABLE pace (                  -- the rate that got through, for the next run
  scope_no INTEGER NOT NULL,
  base_url TEXT NOT NULL,
  rate REAL NOT NULL,
  PRIMARY KEY (scope_no, base_url)
) WITHOUT ROWID;
CREATE TABLE decision (              -- what a person has said of rows in doubt
  load_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  verdict TEXT NOT NULL,             -- created, unsent
  decided_by TEXT NOT NULL,
  decided_at TEXT NOT NULL           -- ISO 8601, UTC
);
{_TIMELINE}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""
