"""The client against real sockets: what it sends, repeats and gives up, with a clock of the test's own."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

import loader
from loader.errors import NoSuchTenant, NotPermitted, ServiceDown, Stopped, TokenRefused
from loader.findings import Finding
from loader.records import Requests
from loader.sending import Client, Clock, CutOff, RateLimiter, SendResult, Token, VerdictKind
from loader.settings import RunSettings
from tests.sending.scripted_server import CREATED, Connection, ScriptedServer, answer, answering

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from loader.sending import TokenSource
    from tests.sending.scripted_server import Behaviour

T = TypeVar("T")

_BODY = b'{"status":"draft"}'
_NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class FakeTime:
    """Time that passes only while somebody sleeps; `stuck` sleepers wait until they are woken."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.now = 1000.0
        self.stuck = stuck
        self.slept: list[float] = []
        self.sleeping = asyncio.Event()

    def __call__(self) -> float:
        """The present."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Lets time pass at once, or never ends."""
        self.slept.append(seconds)
        self.sleeping.set()
        if self.stuck:
            await asyncio.Event().wait()
        self.now += seconds
        await asyncio.sleep(0)


class Renewable:
    """A token source that gives `old`, and after renewing each of `fresh` in turn."""

    def __init__(self, *fresh: str | None) -> None:
        self.token = "old"
        self.fresh = list(fresh)
        self.renewals = 0

    def current(self) -> str:
        """The token now."""
        return self.token

    async def renew(self) -> str | None:
        """The next one."""
        self.renewals += 1
        await asyncio.sleep(0)
        fresh = self.fresh.pop(0)
        self.token = fresh or self.token
        return fresh


def _client(url: str, clock: FakeTime, *, token: TokenSource | None = None, **given: Any) -> Client:
    learnt = given.pop("learnt", None)
    settings = RunSettings(
        tenant="acme", **{"connect_timeout": 5, "read_timeout": 5, "give_up_after": 300} | given
    )
    return Client(
        url,
        token=token or Token("t-1"),
        rate_limiter=RateLimiter(None, clock.now, learnt),
        settings=settings,
        clock=Clock(clock, clock.sleep, lambda: _NOW),
        chance=random.Random(1),
    )


def _against(
    behave: Behaviour, use: Callable[[Client, ScriptedServer, FakeTime], Coroutine[Any, Any, T]], **given: Any
) -> T:
    async def talk() -> T:
        clock = FakeTime(stuck=given.pop("stuck", False))
        async with ScriptedServer(behave) as server, _client(server.url, clock, **given) as client:
            return await use(client, server, clock)

    return asyncio.run(talk())


async def _one(
    client: Client, server: ScriptedServer, clock: FakeTime
) -> tuple[SendResult, ScriptedServer, Client, FakeTime]:
    return await client.post(_BODY), server, client, clock


async def _stops(
    client: Client, server: ScriptedServer, clock: FakeTime
) -> tuple[Stopped, ScriptedServer, Client]:
    del clock
    with pytest.raises(Stopped) as caught:
        await client.post(_BODY)
    return caught.value, server, client


# --- One row ------------------------------------------------------------------------------------------


def test_a_row_goes_out_as_it_should() -> None:
    """One POST with the token, the content type and the program's name; what comes back is the id."""
    sent, server, client, _ = _against(answering(CREATED), _one)
    assert sent == SendResult(VerdictKind.CREATED, "x-1", 200, 1)
    request = server.requests[0]
    assert request.head[0] == "POST /billingRuns/acme HTTP/1.1"
    assert request.body == _BODY
    assert {
        name: request.header(name) for name in ("authorization", "content-type", "accept", "user-agent")
    } == {
        "authorization": "Bearer t-1",
        "content-type": "application/json",
        "accept": "application/json",
        "user-agent": f"loader/{loader.__version__}",
    }
    assert request.header("accept-encoding") == "identity"
    assert request.header("host") == f"127.0.0.1:{server.port}"
    assert client.requests == Requests(sent=1)
    assert client.trouble is None


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, VerdictKind.REFUSED, "answer.refused"),
        (409, VerdictKind.MISSING_REFERENCE, "answer.missing_reference"),
        (500, VerdictKind.IN_DOUBT, "answer.server_error"),
        (503, VerdictKind.IN_DOUBT, "answer.server_error"),
        (204, VerdictKind.IN_DOUBT, "answer.unexpected_status"),
    ],
)
def test_what_is_decided_is_sent_once(status: int, kind: VerdictKind, code: str) -> None:
    """An answer that decides about a row, or leaves it in doubt, is not followed by another request."""
    body = b"" if status == 204 else b'{"message":"so"}'
    sent, server, client, _ = _against(answering(answer(status, body), CREATED), _one)
    assert (sent.kind, sent.http_status, sent.attempts) == (kind, status, 1)
    assert sent.findings[0].code == code
    assert sent.findings[0].params.get("words") == (None if status == 204 else "so")
    assert len(server.requests) == 1
    assert client.requests == Requests(sent=1)


async def _closes_after_reading(connection: Connection) -> None:
    await connection.read()


def test_a_lost_connection_leaves_the_row_in_doubt() -> None:
    """A connection lost after the request went out is not answered with a second request."""
    sent, server, _, _ = _against(_closes_after_reading, _one)
    assert (sent.kind, sent.http_status, sent.attempts) == (VerdictKind.IN_DOUBT, None, 1)
    assert len(server.requests) == 1


def test_many_rows_through_many_breaks_are_each_sent_once() -> None:
    """Of rows that meet lost connections none is ever seen twice by the server, unless it answered 429."""

    async def breaks_often(connection: Connection) -> None:
        while True:
            await connection.read()
            count = len(connection.server.requests)
            if count % 7 == 0:
                return
            await connection.write(
                answer(429) if count % 5 == 0 else answer(500) if count % 11 == 0 else CREATED
            )
            if count % 3 == 0:
                return

    async def use(
        client: Client, server: ScriptedServer, _: FakeTime
    ) -> tuple[list[SendResult], ScriptedServer]:
        bodies = [f'{{"n":{number}}}'.encode() for number in range(200)]
        return list(await asyncio.gather(*map(client.post, bodies))), server

    sent, server = _against(breaks_often, use)
    arrived = [request.body for request in server.requests]
    repeats = len(arrived) - len(set(arrived))
    assert len(set(arrived)) == len(sent) == 200
    assert sum(item.attempts - 1 for item in sent) == repeats
    assert repeats == len([n for n in range(1, len(arrived) + 1) if n % 7 and n % 5 == 0])
    assert {item.kind for item in sent} == {VerdictKind.CREATED, VerdictKind.IN_DOUBT}


# --- Throttling ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "Sun, 22 Nov 2026 10:00:09 GMT"}, 9.0),
        ({"retry_after": "Sun, 22 Nov 2026 08:00:03 GMT", "date": "Sun, 22 Nov 2026 08:00:00 GMT"}, 3.0),
    ],
)
def test_a_throttled_row_waits_as_long_as_it_is_told(headers: dict[str, str], wait: float) -> None:
    """429 is repeated after Retry-After, in seconds or as a date by the service's own clock."""
    sent, server, client, clock = _against(answering(answer(429, b"", **headers), CREATED), _one)
    assert (sent.kind, sent.attempts, sent.http_status) == (VerdictKind.CREATED, 2, 200)
    assert sum(clock.slept) == pytest.approx(wait)
    assert [request.body for request in server.requests] == [_BODY, _BODY]
    assert client.requests == Requests(sent=2, retried=1, throttled=1)


def test_one_throttled_row_holds_all() -> None:
    """Within a Retry-After no request leaves, whichever worker it is for."""

    async def use(client: Client, server: ScriptedServer, clock: FakeTime) -> None:
        await client.post(_BODY)
        clock.stuck = True
        throttled = asyncio.ensure_future(client.post(_BODY))
        await server.until(2)
        await clock.sleeping.wait()
        others = [asyncio.ensure_future(client.post(_BODY)) for _ in range(8)]
        await asyncio.sleep(0.05)
        assert len(server.requests) == 2
        client.interrupt()
        ended = await asyncio.gather(throttled, *others)
        assert {item.kind for item in ended} == {VerdictKind.NOT_STORED}
        assert [item.attempts for item in ended] == [1] + [0] * 8

    _against(answering(CREATED, answer(429, retry_after="5"), CREATED), use, learnt=1e12)


def test_a_service_that_asks_for_too_long_a_wait_stops_the_load() -> None:
    """Retry-After beyond --give-up-after ends the load at once; the row is not stored."""
    error, server, client = _against(answering(answer(429, b"quota", retry_after="3600")), _stops)
    assert isinstance(error, ServiceDown)
    assert "3600 s" in error.message
    assert "quota" in error.message
    assert error.next_step
    assert client.stopped is error
    assert len(server.requests) == 1


def test_429_without_end_stops_the_load() -> None:
    """A service that says nothing but 429 is given up after --give-up-after, with few requests."""
    error, server, _ = _against(answering(answer(429)), _stops)
    assert isinstance(error, ServiceDown)
    assert 5 < len(server.requests) < 40


# --- The service is down ------------------------------------------------------------------------------


def test_a_service_that_comes_back_gets_the_row() -> None:
    """What found no connection is sent again until there is one."""

    async def talk() -> tuple[SendResult, Requests, int]:
        clock = FakeTime()
        async with ScriptedServer(answering(CREATED)) as server:
            address = server.url
            port = server.port
        server = ScriptedServer(answering(CREATED))
        async with _client(address, clock) as client:
            row = asyncio.ensure_future(client.post(_BODY))
            await clock.sleeping.wait()
            serving = await asyncio.start_server(server._serve, "127.0.0.1", port)
            sent = await row
            assert client.trouble is None
            requests = client.requests
        serving.close()
        await serving.wait_closed()
        return sent, requests, len(server.requests)

    sent, requests, arrived = asyncio.run(talk())
    assert sent.kind is VerdictKind.CREATED
    assert sent.attempts > 1
    assert requests.sent == sent.attempts == requests.retried + 1
    assert arrived == 1


def test_a_service_that_is_not_there_stops_the_load_in_time() -> None:
    """Without a connection for --give-up-after seconds the load stops once; every row may be sent later."""

    async def talk() -> tuple[list[Any], Client, FakeTime]:
        clock = FakeTime()
        async with ScriptedServer(answering(CREATED)) as server:
            address = server.url
        async with _client(address, clock) as client:
            ended = await asyncio.gather(*[client.post(_BODY) for _ in range(16)], return_exceptions=True)
            assert await client.post(_BODY) == SendResult(
                VerdictKind.NOT_STORED, None, None, 0, (Finding("sending.stopped"),)
            )
            return list(ended), client, clock

    ended, client, clock = asyncio.run(talk())
    errors = [item for item in ended if isinstance(item, Exception)]
    assert errors == [client.stopped]
    assert isinstance(errors[0], ServiceDown)
    assert "300 s" in errors[0].message
    assert "refused" in errors[0].message
    assert {item.kind for item in ended if isinstance(item, SendResult)} == {VerdictKind.NOT_STORED}
    assert 1300 <= clock.now < 1310
    assert client.requests.sent < 100


def test_a_service_that_fails_burns_few_rows() -> None:
    """Against a service that answers 500 to all, a load of 2,000 rows puts few in doubt before it stops."""

    async def use(client: Client, server: ScriptedServer, _: FakeTime) -> None:
        rows, in_doubt = iter(range(2000)), []

        async def work() -> None:
            for _ in rows:
                sent = await client.post(_BODY)
                if sent.kind is VerdictKind.IN_DOUBT:
                    in_doubt.append(sent)

        ended = await asyncio.gather(*[work() for _ in range(16)], return_exceptions=True)
        assert [type(item) for item in ended if item] == [ServiceDown]
        assert len(in_doubt) == len(server.requests) <= 5 + 16 + 15

    _against(answering(answer(500, b"down")), use)


def test_a_service_that_recovers_goes_on_at_once() -> None:
    """The first success ends an outage for all that wait, however long they were to sleep."""

    async def use(client: Client, server: ScriptedServer, clock: FakeTime) -> None:
        slow = asyncio.ensure_future(client.post(_BODY))
        await server.until(1)
        for _ in range(5):
            assert (await client.post(_BODY)).kind is VerdictKind.IN_DOUBT
        assert client.trouble == Finding("answer.server_error", params={"status": 500})
        clock.stuck = True
        waiting = [asyncio.ensure_future(client.post(_BODY)) for _ in range(3)]
        await clock.sleeping.wait()
        clock.sleeping.clear()
        clock.stuck = False
        assert len(server.requests) == 6
        going_on.set()
        assert (await slow).kind is VerdictKind.CREATED
        assert [(await row).kind for row in waiting] == [VerdictKind.CREATED] * 3
        assert client.trouble is None

    going_on = asyncio.Event()

    async def behave(connection: Connection) -> None:
        while True:
            await connection.read()
            count = len(connection.server.requests)
            if count == 1:
                await going_on.wait()
            await connection.write(answer(500) if 1 < count <= 6 else CREATED)

    _against(behave, use)


# --- Tokens -------------------------------------------------------------------------------------------


def _wants(token: str) -> Behaviour:
    async def behave(connection: Connection) -> None:
        while True:
            request = await connection.read()
            good = request.header("authorization") == f"Bearer {token}"
            await connection.write(CREATED if good else answer(401, b'{"message":"expired"}'))

    return behave


def test_a_fixed_token_that_is_refused_stops_the_load() -> None:
    """401 to a token that cannot be renewed stops the load, and shows no token."""
    error, server, _ = _against(_wants("other"), _stops)
    assert isinstance(error, TokenRefused)
    assert "expired" in error.message
    assert "t-1" not in f"{error!r}{error.next_step}"
    assert len(server.requests) == 1


def test_a_fresh_token_is_fetched_once_for_all() -> None:
    """Sixteen rows that meet 401 together renew the token once, and all get through."""

    async def use(client: Client, *_: object) -> Requests:
        ended = await asyncio.gather(*[client.post(_BODY) for _ in range(16)])
        assert {item.kind for item in ended} == {VerdictKind.CREATED}
        return client.requests

    source = Renewable("new")
    requests = _against(_wants("new"), use, token=source)
    assert source.renewals == 1
    assert requests.retried == requests.sent - 16 > 0


@pytest.mark.parametrize("fresh", [("new", "newer"), (None,)])
def test_a_fresh_token_that_is_refused_too_stops_the_load(fresh: tuple[str | None, ...]) -> None:
    """There is one fresh token a load: where it does not help, or there is none, the load stops."""
    source = Renewable(*fresh)
    error, server, _ = _against(_wants("newest"), _stops, token=source)
    assert isinstance(error, TokenRefused)
    assert source.renewals == 1
    assert len(server.requests) == (2 if fresh[0] else 1)


# --- Stopping -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"), [(403, NotPermitted), (404, NoSuchTenant), (405, NoSuchTenant), (308, NoSuchTenant)]
)
def test_what_fails_every_row_stops_the_load(status: int, kind: type[Stopped]) -> None:
    """403, 404, 405 and redirects stop the load, with the address and what to do."""
    error, server, client = _against(answering(answer(status, b'{"error":"no"}', location="/x")), _stops)
    assert type(error) is kind
    assert server.url in error.message
    assert f"HTTP {status}" in error.message
    assert error.next_step
    assert client.stopped is error
    assert len(server.requests) == 1


def test_when_one_row_stops_the_load_the_others_are_known() -> None:
    """After a 403 requests in progress finish and count, and rows that wait come back unsent."""

    async def use(client: Client, server: ScriptedServer, clock: FakeTime) -> None:
        under_way = asyncio.ensure_future(client.post(_BODY))
        await server.until(1)
        with pytest.raises(NotPermitted):
            await client.post(_BODY)
        assert (await client.post(_BODY)).kind is VerdictKind.NOT_STORED
        going_on.set()
        assert (await under_way).kind is VerdictKind.CREATED
        assert len(server.requests) == 2
        del clock

    going_on = asyncio.Event()

    async def behave(connection: Connection) -> None:
        await connection.read()
        if len(connection.server.requests) == 1:
            await going_on.wait()
            await connection.write(CREATED)
        else:
            await connection.write(answer(403))

    _against(behave, use)


def test_several_rows_that_would_stop_the_load_stop_it_once() -> None:
    """Of many 403s at once one is raised; the other rows are not stored."""

    async def use(client: Client, *_: object) -> None:
        ended = await asyncio.gather(*[client.post(_BODY) for _ in range(8)], return_exceptions=True)
        assert [type(item) for item in ended if isinstance(item, Exception)] == [NotPermitted]
        assert {item.kind for item in ended if isinstance(item, SendResult)} == {VerdictKind.NOT_STORED}

    _against(answering(answer(403)), use)


async def _answers_on_demand(connection: Connection) -> None:
    await connection.read()
    await connection.forever()


def test_an_interrupt_lets_requests_under_way_finish() -> None:
    """The first Ctrl-C: what is in progress ends as it ends, what waits comes back at once, unsent."""

    async def use(client: Client, server: ScriptedServer, _: FakeTime) -> None:
        under_way = asyncio.ensure_future(client.post(_BODY))
        await server.until(1)
        client.interrupt()
        client.interrupt()
        late = await client.post(_BODY)
        assert late == SendResult(VerdictKind.NOT_STORED, None, None, 0, (Finding("sending.interrupted"),))
        going_on.set()
        assert (await under_way).kind is VerdictKind.CREATED
        assert len(server.requests) == 1

    going_on = asyncio.Event()

    async def behave(connection: Connection) -> None:
        await connection.read()
        await going_on.wait()
        await connection.write(CREATED)

    _against(behave, use)


def test_a_request_under_way_that_is_throttled_after_an_interrupt_is_unsent() -> None:
    """After an interrupt a 429 is no reason to wait: the row comes back not stored."""

    async def use(client: Client, server: ScriptedServer, clock: FakeTime) -> None:
        under_way = asyncio.ensure_future(client.post(_BODY))
        await server.until(1)
        client.interrupt()
        going_on.set()
        sent = await under_way
        assert (sent.kind, sent.attempts, sent.http_status) == (VerdictKind.NOT_STORED, 1, 429)
        assert clock.slept == []

    going_on = asyncio.Event()

    async def behave(connection: Connection) -> None:
        await connection.read()
        await going_on.wait()
        await connection.write(answer(429, retry_after="60"))

    _against(behave, use)


def test_cutting_off_tells_what_is_known() -> None:
    """Cancelled in progress a row is in doubt; cancelled while it waits it is certainly not stored."""

    async def use(client: Client, server: ScriptedServer, clock: FakeTime) -> None:
        under_way = asyncio.ensure_future(_cut(client))
        await server.until(1)
        under_way.cancel()
        sent = await under_way
        assert (sent.kind, sent.attempts) == (VerdictKind.IN_DOUBT, 1)
        assert sent.findings == (Finding("sending.cut_off"),)
        waiting = asyncio.ensure_future(_cut(client))
        await clock.sleeping.wait()
        waiting.cancel()
        sent = await waiting
        assert (sent.kind, sent.attempts, sent.http_status) == (VerdictKind.NOT_STORED, 1, 429)
        assert sent.findings == (Finding("sending.not_started"),)

    async def behave(connection: Connection) -> None:
        await connection.read()
        if len(connection.server.requests) == 1:
            await connection.forever()
        await connection.write(answer(429, retry_after="60"))

    _against(behave, use, stuck=True, learnt=1e12)


async def _cut(client: Client) -> SendResult:
    try:
        return await client.post(_BODY)
    except CutOff as cut:
        return cut.result


def test_a_cut_off_row_ends_its_task_as_cancelled() -> None:
    """`CutOff` is a cancellation like any other to whoever does not ask."""

    async def use(client: Client, server: ScriptedServer, _: FakeTime) -> None:
        row = asyncio.ensure_future(client.post(_BODY))
        await server.until(1)
        row.cancel()
        await asyncio.wait({row})
        assert row.cancelled()

    _against(_answers_on_demand, use)


def test_a_client_that_was_not_entered_does_not_post() -> None:
    """Posting outside the context is a mistake of the caller's."""
    clock_less = Client(
        "http://127.0.0.1/",
        token=Token("t"),
        rate_limiter=RateLimiter(None, 0.0),
        settings=RunSettings(tenant="a"),
    )
    with pytest.raises(RuntimeError, match="entered"):
        asyncio.run(clock_less.post(_BODY))
