"""The journal in one SQLite file of the home folder, with locks on files beside it."""
