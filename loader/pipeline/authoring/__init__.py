"""Help to write a mapping: check it, preview what it makes, propose one."""
