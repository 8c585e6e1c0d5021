"""Validate every row of a source without sending any: the dry run."""
