"""What is known for sure: loads, rows, checkpoints and the crosswalk from external ids to ids."""

from loader.journal.claims import claim, is_claimed
from loader.journal.journal import Journal
from loader.journal.resume import PendingRows, ResumePoint

__all__ = ["Journal", "PendingRows", "ResumePoint", "claim", "is_claimed"]
