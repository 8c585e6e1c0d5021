"""`rejects.*`: the rows that were invalid, blocked or refused, as they were, and why."""

from loader.report.rejects.rejected import Rejected
from loader.report.rejects.writer import RejectsWriter

__all__ = ["Rejected", "RejectsWriter"]
