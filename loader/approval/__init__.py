"""Hold a load against the dry run whose report was signed; a short code stands for what decides it."""
