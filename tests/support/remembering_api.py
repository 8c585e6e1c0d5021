"""An API on a real socket that remembers what it stores, lists it, and fails as a test asks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

from tests.support.scripted_api import ScriptedApi, always, created

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.scripted_api import Asked

    Reply = tuple[int, dict[str, str], str]
    Fate = str | int | tuple[int, str]

AFTER = "after"
BEFORE = "before"


def well(_key: str, _attempt: int) -> Fate:
    """Every record is stored."""
    return ""


@dataclass
class RememberingApi:
    """Stores what is posted, for the tenant acme.

    Attributes:
        fate: What becomes of a record, by its external id and how often it came, from 1: AFTER and BEFORE
            answer 500 after and before storing it, a number refuses it with that status (a pair: with that
            status and these words), "" stores it.
        look: The answer to a GET of a list, by its number from 1 and the usual answer; None: the usual one.
        stored: The records, in order.
        looks: The path of each GET, without its query.
    """

    fate: Callable[[str, int], Fate] = well
    look: Callable[[int, Reply], Reply] | None = None
    stored: list[dict[str, Any]] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The base URL."""
        return self._api.url

    def keys(self) -> list[str]:
        """The external ids that were posted, in order."""
        return self._api.keys()

    def stored_keys(self) -> list[str]:
        """The external ids that are stored, sorted."""
        return sorted(item["sys_external_id"] for item in self.stored)

    def ids(self) -> dict[str, str]:
        """The id of each external id."""
        return {item["sys_external_id"]: item["id"] for item in self.stored}

    def __enter__(self) -> Self:
        self._api = ScriptedApi(self._posted, self._listed)
        self._api.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._api.__exit__()

    def _posted(self, asked: Asked) -> Reply:
        key = asked.body["sys_external_id"]
        fate = self.fate(key, self.keys().count(key))
        if isinstance(fate, tuple):
            return always(*fate)(asked)
        if isinstance(fate, int):
            return always(fate, "refers to nothing")(asked)
        if fate != BEFORE:
            self.stored.append({**asked.body, "id": f"id-{asked.number}"})
        return always(500)(asked) if fate else created(asked)

    def _listed(self, path: str) -> Reply:
        path = urlsplit(path).path
        self.looks.append(path)
        value = unquote(path.partition("/recurringBillingRun/")[2])
        items = [item for item in self.stored if not value or item.get("recurring_billing_run_id") == value]
        reply: Reply = 200, {}, json.dumps({"Count": len(items), "Items": items})
        return self.look(len(self.looks), reply) if self.look else reply


def no_lists(_number: int, _usual: Reply) -> Reply:
    """The service offers no lists."""
    return 404, {}, '{"message": "no such path"}'


def load_words(url: str, *more: str) -> list[str]:
    """A load of runs.csv into acme, with little time between two readbacks."""
    words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", url, "--json"]
    return [*words, "--concurrency", "2", "--batch-size", "10", "--reconcile-wait", "0.05", *more]
