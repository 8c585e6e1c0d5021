"""Sphinx extensions that build reference pages from the program itself."""
