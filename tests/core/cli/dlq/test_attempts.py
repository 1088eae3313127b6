import anyio
import pytest
from tests.core.cli.dlq.conftest import letter

from gatewright import Done, Reject, Retry, SinkSettings, StoredDeadLetter
from gatewright.cli.dlq.attempts import NamedSink, Redrive, Sums

pytestmark = pytest.mark.anyio


class Sink:
    def __init__(self, send):
        self.send = send


class Transport:
    def __init__(self, resend):
        self.resend = resend


class Store:
    def __init__(self):
        self.marked = []

    async def mark(self, key, state):
        self.marked.append((key, state))


class Clock:
    """A clock that only sleeping moves on."""

    def __init__(self, monkeypatch):
        self.now, self.slept = 100.0, []
        monkeypatch.setattr(anyio, "sleep", self.sleep)

    def monotonic(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(round(seconds, 6))
        self.now += seconds


async def each(*letters):
    for number, one in enumerate(letters):
        yield StoredDeadLetter(str(number), one)


def redrive(send, *, resend=None, told=None, per_second=None, clock=None, **settings):
    sinks = {"probe": NamedSink(Sink(send), SinkSettings(**settings))}
    tell = (told if told is not None else []).append

    async def find_resender(target):
        return None if resend is None or target != "bus" else Transport(resend)

    return Redrive(Store(), sinks, find_resender, per_second=per_second, tell=tell, clock=clock)


def publication(number, **fields):
    return letter(number, kind="publication", type="", connection_id="", target="bus", **fields)


async def test_an_attempt_has_the_sinks_own_time_limit():
    async def send(_batch):
        await anyio.sleep_forever()

    told = []
    sums = await redrive(send, told=told, timeout_seconds=0.05).run(each(letter(1)))

    assert sums == Sums(failed=1)
    assert told == ["0 probe message_received e1: no answer within 0.05 s"]


async def test_a_sink_that_answers_for_none_or_too_many_has_failed():
    async def send(_batch):
        return [Done(), Done()]

    told = []
    assert (await redrive(send, told=told).run(each(letter(1)))).failed == 1
    assert told[0].endswith("the sink gave 2 outcomes for one event")


async def test_a_rate_spaces_attempts_evenly_after_the_first(monkeypatch):
    async def send(_batch):
        return [Done()]

    clock = Clock(monkeypatch)
    await redrive(send, per_second=4, clock=clock).run(each(*map(letter, range(1, 5))))

    assert clock.slept == [0.25, 0.25, 0.25]


async def test_slow_attempts_are_not_made_up_for_in_a_burst(monkeypatch):
    clock = Clock(monkeypatch)

    async def send(_batch):
        clock.now += 10
        return [Done()]

    await redrive(send, per_second=4, clock=clock).run(each(*map(letter, range(1, 4))))

    assert clock.slept == []


async def test_only_what_was_taken_is_marked():
    async def send(batch):
        if batch[0].id == "e2":
            raise ConnectionError
        return [Done()]

    run = redrive(send)
    sums = await run.run(each(letter(1), letter(2), letter(3)))

    assert run._store.marked == [("0", "redriven"), ("2", "redriven")]
    assert sums == Sums(redriven=2, failed=1)
    assert not sums.all_went


async def test_what_a_sink_let_go_without_a_hearing_stays_behind():
    async def send(batch):
        return [Done("receiver_off" if batch[0].id == "e1" else "")]

    told = []
    run = redrive(send, told=told)
    later = letter(2, connection_id="c1")
    sums = await run.run(each(letter(1), later, letter(3)))

    assert run._store.marked == [("2", "redriven")]
    assert sums == Sums(redriven=1, failed=1, held=1)
    assert told == ["0 probe message_received e1: let go unheard (receiver_off)"]


async def test_a_backend_that_is_away_is_not_asked_for_every_letter():
    asked = []

    async def send(batch):
        asked.append(batch[0].id)
        return [Reject("status 400") if len(asked) == 19 else Retry("refused")]

    told = []
    sums = await redrive(send, told=told).run(each(*map(letter, range(1, 1001))))

    assert len(asked) == 19 + 20
    assert sums == Sums(failed=39, held=961)
    assert told[-1] == "probe: 20 failures in a row; the rest is held"


async def test_an_answer_between_starts_the_count_of_failures_again():
    async def send(batch):
        return [Done() if batch[0].seq % 20 == 0 else Retry("refused")]

    assert await redrive(send).run(each(*map(letter, range(1, 101)))) == Sums(redriven=5, failed=95)


async def test_publications_go_back_to_their_transport_and_what_it_took_is_marked():
    resent = []

    refused = ConnectionError("refused")

    async def resend(letter):
        if letter.id == "e2":
            raise refused
        resent.append(letter.id)

    told = []
    run = redrive(None, resend=resend, told=told)
    sums = await run.run(each(*map(publication, range(1, 4))))

    assert resent == ["e1", "e3"]
    assert run._store.marked == [("0", "redriven"), ("2", "redriven")]
    assert sums == Sums(redriven=2, failed=1)
    assert told == ["1 bus publication e2: ConnectionError: refused"]


async def test_a_transport_that_hangs_fails_in_time_and_one_that_says_why_is_quoted(monkeypatch):
    monkeypatch.setattr("gatewright.cli.dlq.attempts.RESEND_SECONDS", 0.05)

    late = TimeoutError("no confirm")

    async def resend(letter):
        if letter.id == "e1":
            await anyio.sleep_forever()
        raise late

    told = []
    sums = await redrive(None, resend=resend, told=told).run(each(publication(1), publication(2)))

    assert sums == Sums(failed=2)
    assert told == [
        "0 bus publication e1: no answer within 0.05 s",
        "1 bus publication e2: TimeoutError: no confirm",
    ]


async def test_a_broker_that_is_away_is_not_asked_for_every_publication():
    asked = []

    async def resend(letter):
        asked.append(letter.id)
        raise ConnectionError

    told = []
    sums = await redrive(None, resend=resend, told=told).run(each(*map(publication, range(100))))

    assert (len(asked), sums) == (20, Sums(failed=20, held=80))
    assert told[-1] == "bus: 20 failures in a row; the rest is held"


async def test_the_rate_holds_for_publications_and_events_together(monkeypatch):
    async def send(_batch):
        return [Done()]

    async def resend(_letter):
        pass

    clock = Clock(monkeypatch)
    run = redrive(send, resend=resend, per_second=10, clock=clock)
    await run.run(each(letter(1), publication(2), letter(3)))

    assert clock.slept == [0.1, 0.1]


async def test_letters_that_are_neither_are_skipped():
    told = []
    sums = await redrive(None, told=told).run(each(letter(1, type="born"), publication(2)))

    assert sums == Sums(skipped=2)
    assert told == [
        "0 probe born e1: is no event",
        "1 bus publication e2: is no event; only its publisher can send it again",
    ]
