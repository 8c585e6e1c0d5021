"""What is known for sure: loads, rows, checkpoints and the crosswalk from external ids to ids."""

from loader.journal.journal import Journal
from loader.journal.locks import claim, is_claimed
from loader.journal.resume import PendingRows, ResumePoint
from loader.journal.rows import STOPPED_UNDER_WAY
from loader.journal.statistics import LoadStatistics
from loader.journal.timeline import Moment

__all__ = [
    "STOPPED_UNDER_WAY",
    "Journal",
    "LoadStatistics",
    "Moment",
    "PendingRows",
    "ResumePoint",
    "claim",
    "is_claimed",
]
