"""Join the rooms: wiring only, no rules.

`rows`, `loads`, `validation` and `authoring` have what the shell calls. `events` are what a run reports while
it is at work; `context` is what all commands have in common.
"""
