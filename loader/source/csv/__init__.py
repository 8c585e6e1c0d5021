"""Read delimited text files: detect how they are written, split them into records and cells."""
