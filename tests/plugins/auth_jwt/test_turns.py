"""How much is done in one turn of the loop, in which order, and that nobody alone waits."""

import asyncio
import gc

import pytest
from tests.plugins.auth_jwt.support import at_once

from gatewright_auth_jwt.turns import Turns

pytestmark = pytest.mark.anyio


class Work:
    """Work that lasts as long as it says, by a timer of its own, in the turn that it notes."""

    def __init__(self):
        self.now = 0.0
        self.turn = 0
        self.done = []
        self.turns = Turns(0.001, lambda: self.now)

    async def count_turns(self):
        while True:
            await asyncio.sleep(0)
            self.turn += 1

    async def do(self, name, seconds=0.0003):
        def work():
            self.now += seconds
            self.done.append((self.turn, name))
            return name

        return await self.turns.run(work)

    def in_turns(self):
        """How many pieces each turn did that did any."""
        turns = [turn for turn, _ in self.done]
        return [turns.count(turn) for turn in sorted(set(turns))]


@pytest.fixture
async def work():
    made = Work()
    counting = asyncio.create_task(made.count_turns())
    yield made
    counting.cancel()


async def pauses(turns):
    """Let some turns of the loop go by."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_work_that_comes_alone_is_done_without_giving_way(work):
    for name in range(20):
        assert at_once(work.do(name, 5)) == name
        await pauses(3)


async def test_even_right_after_much_work_whoever_comes_alone_does_not_wait(work):
    await asyncio.gather(*(work.do(name) for name in range(48)))
    assert work.in_turns() == [4] * 12  # the last turn's share was used up
    await pauses(2)

    assert at_once(work.do("late")) == "late"


async def test_a_turn_does_no_more_than_its_share_and_one_piece(work):
    assert await asyncio.gather(*(work.do(name) for name in range(21))) == list(range(21))

    assert [name for _, name in work.done] == list(range(21))
    assert work.in_turns() == [4] * 5 + [1]  # 0.9 ms are less than the share, 1.2 ms are not


async def test_one_long_piece_is_all_that_a_turn_does(work):
    await asyncio.gather(*(work.do(name, 0.002) for name in range(5)))

    assert work.in_turns() == [1] * 5


async def test_who_comes_while_others_wait_goes_to_the_end_of_the_line(work):
    async def late():
        await pauses(2)
        return await work.do("late")

    await asyncio.gather(*(work.do(name) for name in range(20)), late())

    assert work.done[-1][1] == "late"
    assert max(work.in_turns()) == 4


async def test_all_others_have_a_turn_between_two_shares(work):
    await asyncio.gather(*(work.do(name) for name in range(100)))

    turns = sorted({turn for turn, _ in work.done})
    assert turns == list(range(turns[0], turns[0] + 25))


async def test_what_the_work_raises_reaches_who_asked_for_it_and_nobody_else(work):
    def fail():
        work.now += 0.0006
        raise LookupError("mine")  # noqa: EM101

    outcomes = await asyncio.gather(
        *(work.turns.run(fail) for _ in range(3)), work.do("good"), return_exceptions=True
    )

    assert [str(outcome) for outcome in outcomes] == ["mine", "mine", "mine", "good"]


async def test_who_is_cancelled_while_waiting_is_passed_over(work):
    tasks = [asyncio.create_task(work.do(name)) for name in range(12)]
    await pauses(1)
    for task in tasks[4:11]:
        task.cancel()

    assert await tasks[11] == 11
    assert [name for _, name in work.done] == [0, 1, 2, 3, 11]
    assert all(task.cancelled() for task in tasks[4:11])


async def test_who_is_cancelled_between_the_work_and_its_waking_harms_nobody(work):
    async def cancel_another():
        await work.turns.run(tasks[5].cancel)  # done in one turn with 4, 5 and 6
        return "canceller"

    tasks = [asyncio.create_task(work.do(name)) for name in range(7)]
    tasks += [asyncio.create_task(cancel_another()), asyncio.create_task(work.do("after"))]
    await asyncio.wait(tasks)

    assert 5 in [name for _, name in work.done]
    assert tasks.pop(5).cancelled()
    assert [task.result() for task in tasks] == [0, 1, 2, 3, 4, 6, "canceller", "after"]


async def test_refusals_leave_nothing_behind_for_the_collector():
    class Refused(Exception):
        pass

    def refuse():
        raise Refused

    async def ask(turns):
        with pytest.raises(Refused):
            await turns.run(refuse)

    turns = Turns(1e-9)
    gc.collect()
    gc.disable()
    try:
        await asyncio.gather(*(ask(turns) for _ in range(20)))
        left = [found for found in gc.get_objects() if type(found) is Refused]
    finally:
        gc.enable()

    assert left == []
