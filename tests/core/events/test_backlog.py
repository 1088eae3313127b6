"""Whose turn it is, by plain calls."""

from tests.core.events.kit import event

from gatewright.config.settings import LaneSettings
from gatewright.events.backlog import Backlog
from gatewright.events.budget import Budget
from gatewright.events.lane import entry_of
from gatewright.model import Event


class Desk:
    """A backlog and what it spilled."""

    def __init__(self, **bounds: object) -> None:
        settings = LaneSettings(**bounds)
        self.spilled: list[str] = []
        self.backlog = Backlog(settings, Budget(settings.total_bytes), self._spill)

    def _spill(self, each: Event, reason: str, attempts: int, error: str) -> None:
        self.spilled.append(each.id)

    def offer(self, connection: str, seq: int = 1, *, now: float = 0.0) -> None:
        self.backlog.offer(entry_of(event(connection, seq), now))

    def take(self, most: int = 100) -> list[str]:
        return [lane.entries[0][0].id for lane in self.backlog.take(most)]


def test_lanes_take_turns() -> None:
    desk = Desk()
    for seq in (1, 2):
        desk.offer("a", seq)
        desk.offer("b", seq)

    (lane,) = desk.backlog.take(1)
    desk.backlog.finish(lane, 0.0)

    assert desk.take() == ["b-1", "a-2"]


def test_a_lane_under_way_is_not_taken_again() -> None:
    desk = Desk()
    desk.offer("a", 1)
    desk.offer("a", 2)

    assert desk.take() == ["a-1"]
    assert desk.take() == []


def test_a_lane_is_ready_again_when_its_wait_is_over_and_not_before() -> None:
    desk = Desk()
    desk.offer("a")
    (lane,) = desk.backlog.take(1)
    desk.backlog.retry(lane, 5.0, 0.0)
    assert desk.backlog.due() == 5.0

    desk.backlog.tick(4.999)
    assert desk.take() == []
    desk.backlog.tick(5.0)
    assert desk.take() == ["a-1"]


def test_the_wait_of_a_head_that_was_spilled_is_not_the_next_ones() -> None:
    desk = Desk(events=2)
    desk.offer("a", 1)
    (lane,) = desk.backlog.take(1)
    desk.backlog.retry(lane, 5.0, 0.0)
    desk.offer("a", 2)
    desk.offer("a", 3)
    assert desk.spilled == ["a-1"]
    (lane,) = desk.backlog.take(1)
    desk.backlog.retry(lane, 20.0, 1.0)

    desk.backlog.tick(6.0)
    assert desk.take() == []
    desk.backlog.tick(20.0)
    assert desk.take() == ["a-2"]


def test_lanes_that_went_while_nobody_takes_any_leave_no_memory_behind() -> None:
    desk = Desk(max_age=10)
    desk.offer("live", 1, now=0.0)
    for second in range(1, 2000):
        now = float(second)
        desk.offer(f"gone{second}", now=now)
        desk.offer("live", second + 1, now=now)
        desk.backlog.tick(now)

    assert len(desk.backlog._ready) < 200
    assert desk.backlog.ready == desk.backlog.lanes
    assert len(desk.backlog._ages._elders) < 200


def test_what_is_spilled_last_says_how_often_it_was_tried() -> None:
    tried: list[tuple[str, int, str]] = []
    settings = LaneSettings()
    backlog = Backlog(
        settings,
        Budget(settings.total_bytes),
        lambda each, _, attempts, error: tried.append((each.id, attempts, error)),
    )
    for seq in (1, 2):
        backlog.offer(entry_of(event("a", seq), 0.0))
    for due in (1.0, 2.0):
        (lane,) = backlog.take(1)
        lane.error = f"before {due}"
        backlog.retry(lane, due, 0.0)
        backlog.tick(due)
    assert len(list(backlog.spill_all("shutdown"))) == 1

    assert tried == [("a-1", 2, "before 2.0"), ("a-2", 0, "")]
