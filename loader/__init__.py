"""Loads billing records into a membership platform through its REST API, each once, with a receipt a row."""

__version__ = "0.1.0"
