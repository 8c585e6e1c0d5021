"""Turn batches of a source into rows to send and rows that are decided already."""
