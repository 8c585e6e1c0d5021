"""`python -m loader`."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the `loader` command; Ctrl-C while the program is still being imported ends it in silence."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from loader.cli import main as run  # noqa: PLC0415 - it takes half a second, which the line above is for

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
