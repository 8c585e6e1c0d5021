"""Read files with one JSON object a line."""
