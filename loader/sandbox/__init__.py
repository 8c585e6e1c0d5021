"""A local stand-in for the API, strict enough that a load against it means something.

It needs the `sandbox` extra; nothing else of the loader does, and only the shell imports this room. It shares
the record types with the loader, so the two cannot disagree about them: a test holds the types against the
API's own page instead.
"""

from __future__ import annotations

from loader.errors import ConfigurationError
from loader.sandbox.settings import SandboxSettings

try:
    from loader.sandbox.app import make_app
    from loader.sandbox.server import RunningSandbox, serve
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] not in {"httptools", "jinja2", "starlette", "uvicorn"}:
        raise
    raise ConfigurationError(
        f"the sandbox needs the package {missing.name}, which is not installed",
        next_step="Run `pip install 'loader[sandbox]'`.",
    ) from missing

__all__ = ["RunningSandbox", "SandboxSettings", "make_app", "serve"]
