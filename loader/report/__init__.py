"""Write what a load or a dry run leaves for people: results, rejects, findings, a summary and a page."""

from loader.report.rejects import Rejected, RejectsWriter
from loader.report.results import write_results
from loader.report.summary import Summary, dry_rows, exit_code, load_rows

__all__ = ["Rejected", "RejectsWriter", "Summary", "dry_rows", "exit_code", "load_rows", "write_results"]
