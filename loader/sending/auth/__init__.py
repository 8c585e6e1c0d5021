"""Provide the token that requests carry."""
