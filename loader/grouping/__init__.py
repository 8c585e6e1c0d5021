"""Make records of several rows: rows that share a key, and rows of second files."""

from __future__ import annotations

from loader.grouping.group_index import GroupIndex
from loader.grouping.joined_files import JoinedRows, SecondFile, find_second_file, open_second_file
from loader.grouping.source import GroupedSource

__all__ = ["GroupIndex", "GroupedSource", "JoinedRows", "SecondFile", "find_second_file", "open_second_file"]
