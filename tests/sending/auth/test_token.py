"""The token is never shown, and never sent where others could read it."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest

from loader.errors import ConfigurationError
from loader.sending import Token, check_transport_safety
from loader.sending.auth.token import TokenRenewal

_SECRET = "eyJhbGciOi.very-secret_1~+/="


def test_a_token_is_nowhere_to_be_seen() -> None:
    """No way of writing a token shows its secret."""
    token = Token(f" {_SECRET}\n", origin="LOADER_TOKEN_FILE")
    shown = [repr(token), str(token), f"{token}", f"{[token]}", "%s" % token]  # noqa: UP031 - one more way
    assert all("secret" not in text and "LOADER_TOKEN_FILE" in text for text in shown)
    assert token.current() == _SECRET


@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_token_is_not_written_anywhere(write: object) -> None:
    """A token cannot be pickled or copied."""
    with pytest.raises(TypeError, match="not written"):
        write(Token(_SECRET))  # type: ignore[operator]  # one of three functions


def test_a_fixed_token_has_no_fresh_one() -> None:
    """Renewing a fixed token gives nothing."""
    assert asyncio.run(Token(_SECRET).renew()) is None


@pytest.mark.parametrize("secret", ["", "  \n", "two words", "a\nb", "a\r\nx-evil: 1", "schlüssel", "a\x00b"])
def test_what_is_no_token_is_refused_unseen(secret: str) -> None:
    """An empty token, or one with characters that no header takes, is refused without being shown."""
    with pytest.raises(ConfigurationError) as caught:
        Token(secret)
    assert "LOADER_TOKEN" in caught.value.message
    assert not secret.strip() or secret not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://certifications.example.com",
        "https://10.0.0.1:8443/x",
        "http://localhost:8080",
        "http://LOCALHOST",
        "http://127.0.0.1:1",
        "http://127.8.9.1",
        "http://[::1]:8080/x",
    ],
)
def test_safe_places(url: str) -> None:
    """HTTPS goes anywhere, plain HTTP to this machine."""
    check_transport_safety(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://certifications.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://2130706433",
        "http://[::2]",
        "http://localhost@example.com",
        "https://user:secret@example.com",
        "ftp://localhost",
        "file:///etc/passwd",
        "//localhost",
        "localhost:8080",
        "https://",
        "http://[::1",
        "http://localhost:port",
        "",
    ],
)
def test_unsafe_places(url: str) -> None:
    """Anything else is a configuration error that says what to do and shows no password."""
    with pytest.raises(ConfigurationError) as caught:
        check_transport_safety(url)
    assert caught.value.next_step
    assert "secret" not in caught.value.message


class Renewable:
    """A token source with fresh tokens."""

    def __init__(self, *fresh: str | None) -> None:
        self.token = "old"
        self.fresh = list(fresh)

    def current(self) -> str:
        """The token now."""
        return self.token

    async def renew(self) -> str | None:
        """The next one."""
        await asyncio.sleep(0)
        fresh = self.fresh.pop(0)
        self.token = fresh or self.token
        return fresh


def test_a_load_renews_its_token_once() -> None:
    """Those that were refused with the old token share the fresh one; a second refusal is final."""

    async def talk() -> None:
        assert await asyncio.gather(*(renewal.renew("old") for _ in range(3))) == [True] * 3
        assert renewal.current() == "new"
        assert not await renewal.renew("new")

    source = Renewable("new", "newer")
    renewal = TokenRenewal(source)
    asyncio.run(talk())
    assert source.fresh == ["newer"]


def test_a_source_without_a_fresh_token() -> None:
    """Nothing to be had: the load stops, and the source is not asked again."""

    async def talk() -> list[bool]:
        return [await renewal.renew("old") for _ in range(2)]

    renewal = TokenRenewal(Renewable(None))
    assert asyncio.run(talk()) == [False, False]
