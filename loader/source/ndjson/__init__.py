"""Read files with one JSON object per line."""
