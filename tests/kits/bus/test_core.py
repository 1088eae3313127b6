"""What every bus does, over a broker in memory."""

import asyncio

import pytest
from tests.kits.bus.harness import BEAT, PATIENCE, Log, Node, know, nodes, publication, running
from tests.support.survival import eventually

from gatewright import BusUnavailable, Command, Publication, Receipt
from gatewright_bus_kit import Beat, decode, encode
from gatewright_bus_kit.link import LinkEnded, LinkSilent

pytestmark = pytest.mark.anyio


async def test_every_node_hears_everything_once_and_in_the_order_of_each():
    async with nodes(1, 1, 1) as made:

        async def publish(index):
            for number in range(100):
                await made[index].publish(1000 * index + number)

        await asyncio.gather(*(publish(index) for index in range(3)))
        for each in made:
            await each.until(300)
            for index in range(3):
                mine = [one for one in each.payloads if one // 1000 == index]
                assert mine == list(range(1000 * index, 1000 * index + 100))


async def test_what_is_published_at_once_goes_out_together():
    async with nodes(1) as (only,):
        only.link.batches.clear()

        await asyncio.gather(*(only.publish(number) for number in range(300)))

        await only.until(300)
        assert only.payloads == list(range(300))
        assert max(only.link.batches) == 300


async def test_the_count_adds_up_all_nodes():
    async with nodes(2, 3, 0) as (first, *_):
        assert await first.publish(1, count=True) == Receipt(5, exact=True)


async def test_nobody_counts_what_is_not_asked_for():
    async with nodes(2, 3) as (first, second):
        sent = len(first.link.log.messages)

        assert await first.publish(1) == Receipt(None)
        await second.until(1)

        kinds = [decode(each).body for each in first.link.log.messages[sent:]]
        assert all(isinstance(each, (Publication, Beat)) for each in kinds)


async def test_a_node_that_is_silent_makes_a_count_partial_after_a_tenth_of_a_second():
    async with nodes(2, 3, 4) as (first, second, _):
        second.link.deaf = True
        began = asyncio.get_running_loop().time()

        receipt = await first.publish(1, count=True)

        assert receipt == Receipt(6, exact=False)
        assert asyncio.get_running_loop().time() - began >= 0.1
        assert first.counted("partial_counts") == 1


async def test_a_node_that_leaves_is_not_waited_for():
    log = Log()
    async with running(Node("a", log)) as first:
        async with running(Node("b", log)) as second:
            await eventually(lambda: know((first, second), 2), PATIENCE)
        await eventually(lambda: know((first,), 1), PATIENCE)
        assert await first.publish(1, count=True) == Receipt(1, exact=True)


async def test_a_node_that_died_is_forgotten():
    async with nodes(1, 1) as (first, second):
        second.link.refusing, second.link.storing = "away", False
        await eventually(lambda: know((first,), 1), PATIENCE)
        assert (await first.publish(1, count=True)).exact


async def test_commands_reach_every_node_and_are_counted():
    async with nodes(1, 0) as (first, second):
        command = Command("subjects", user_id="42", add=("room:1",))
        assert (await first.core.publish(command, count=True)).sent == 1
        await eventually(lambda: heard(second, command), PATIENCE)
        assert first.commands == [command]


async def heard(node, command):
    return command in node.commands


async def test_what_was_stored_and_sent_again_is_delivered_once():
    async with nodes(1, 1) as (first, second):
        first.link.refusing = "no answer"  # and yet each attempt is stored
        publishing = asyncio.create_task(first.publish(1, count=True))
        await eventually(lambda: repeated(second), PATIENCE)
        first.link.refusing = ""

        assert (await publishing).sent == 2
        await first.publish(2)
        await second.until(2)
        assert first.payloads == second.payloads == [1, 2]


async def repeated(node):
    return node.counted("repeats") >= 2


async def test_what_is_not_accepted_in_time_is_refused_with_the_reason():
    async with nodes(1, timeout=1.5, beat_seconds=1.0) as (only,):
        only.link.refusing, only.link.storing = "OOM command not allowed", False

        with pytest.raises(BusUnavailable, match=r"within 1\.5 s: OOM command not allowed"):
            await only.publish(1)

        only.link.refusing = ""
        await only.publish(2)
        await only.until(1)
        assert only.payloads == [2]
        assert only.counted("published", outcome="unavailable") == 1


async def test_a_send_that_hangs_is_given_up():
    async with nodes(1, timeout=0.3) as (only,):
        send, only.link.send = only.link.send, lambda _messages: asyncio.sleep(3600)
        with pytest.raises(BusUnavailable):
            await only.publish(1)
        only.link.send = send
        await eventually(only.ready, PATIENCE)
        await only.publish(2)


async def test_a_send_that_raises_is_a_refusal_without_its_text():
    async with nodes(1, timeout=0.3) as (only,):

        async def send(_messages):
            msg = "redis://user:s3cret@host"
            raise RuntimeError(msg)

        only.link.send = send
        with pytest.raises(BusUnavailable, match="RuntimeError") as caught:
            await only.publish(1)
        assert "s3cret" not in str(caught.value) + only.core.health().detail


async def test_once_the_canary_is_dead_a_failure_is_told_at_once():
    async with nodes(1, timeout=30) as (only,):
        only.link.refusing, only.link.storing = "refused", False
        await eventually(only.red, PATIENCE)
        with pytest.raises(BusUnavailable, match=r"^refused$"):
            await only.publish(1)


async def test_a_short_outage_only_delays():
    async with nodes(1, 1, timeout=10, beat_seconds=1.0) as (first, second):
        first.link.refusing, first.link.storing = "refused", False
        first.link.breaks.set()
        publishing = asyncio.create_task(first.publish(1))
        await asyncio.sleep(BEAT)
        first.link.refusing = ""

        await publishing
        await first.until(1)
        await second.until(1)
        assert [type(each) for each in first.ends] == [ConnectionResetError]


async def test_a_cancelled_publish_that_still_waits_is_not_sent():
    async with nodes(1, timeout=10) as (only,):
        only.link.refusing, only.link.storing = "refused", False
        publishing = asyncio.create_task(only.publish(1))
        await asyncio.sleep(0.05)
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        only.link.refusing = ""

        await only.publish(2)
        await only.until(1)
        assert only.payloads == [2]


async def test_a_listener_that_died_silently_is_red_and_started_again():
    async with nodes(1) as (only,):
        only.link.deaf = True
        await eventually(only.red, PATIENCE)
        assert "canary was missed" in only.core.health().detail
        assert only.counted("canary_missed") >= 2
        await eventually(lambda: ended(only), PATIENCE)
        only.link.deaf = False
        await eventually(only.ready, PATIENCE)


async def ended(node):
    return any(
        isinstance(each, LinkSilent) and str(each) == "nothing came in for 10 beats"
        for each in node.ends
    )


async def test_a_link_that_stops_reading_is_started_again():
    async with nodes(1, beat_seconds=1.0) as (only,):
        only.link.ends_well = True
        only.link.breaks.set()
        await only.publish(1)
        await only.until(1)
        assert [str(each) for each in only.ends] == ["the link stopped reading"]
        assert isinstance(only.ends[0], LinkEnded)


async def test_before_the_first_canary_it_is_not_ready():
    node = Node("n", Log())
    assert (node.core.health().ready, node.core.health().detail) == (False, "not running")
    node.link.deaf = True
    async with running(node, ready=False):
        await eventually(lambda: said(node, "has not come back yet"), PATIENCE)


async def said(node, words):
    health = node.core.health()
    return not health.ready and words in health.detail


async def test_two_processes_with_one_node_id_notice_each_other_and_recover():
    log = Log()
    async with running(Node("gw-1", log)) as first:
        async with running(Node("gw-1", log), ready=False) as second:
            words = "another process on the bus uses the node id 'gw-1'"
            await eventually(lambda: said(first, words), PATIENCE)
            await eventually(lambda: said(second, words), PATIENCE)
            assert first.counted("duplicate_node") >= 1
        await eventually(first.ready, PATIENCE)
    told = [each["event"] for each in first.captured.entries if each["log_level"] == "error"]
    assert told == ["another process on the bus uses this node's id"]


async def test_a_former_life_of_this_node_is_no_rival():
    log = Log()
    async with running(Node("gw-1", log)) as node:
        for number in range(5):
            await log.append([encode(Beat("gw-1", number), sender=b"former")])
        await eventually(lambda: know((node,), 2), PATIENCE)
        assert node.core.health().ready


async def test_gaps_are_counted_logged_and_shown():
    async with nodes(1) as (only,):
        only.core.gap("3 entries were removed", times=2)

        health = only.core.health(detail="standby", facts={"lag": 1})
        assert health.ready
        assert health.detail == "standby; messages were lost: 3 entries were removed"
        assert health.facts["gaps"] == 2
        assert (health.facts["last_gap"], health.facts["lag"]) == ("3 entries were removed", 1)
        assert only.counted("gaps") == 2
        assert [each["event"] for each in only.captured.entries if each["log_level"] == "warning"]


async def test_what_cannot_be_read_is_counted_and_passed_over():
    async with nodes(1) as (only,):
        newer = encode(publication(1), sender=b"s", seq=1)
        await only.link.log.append([b"", b"\x02" + newer[1:], b"\x01\x63" + newer[2:], newer[:-5]])
        await only.publish(2)
        await only.until(1)

        assert only.payloads == [2]
        assert only.counted("ignored", reason="malformed") == 2
        assert only.counted("ignored", reason="version") == 1
        assert only.counted("ignored", reason="kind") == 1


async def test_before_it_runs_and_after_nothing_is_taken():
    node = Node("n", Log())
    with pytest.raises(BusUnavailable, match="not running"):
        await node.publish(1)
    async with running(node):
        await node.publish(2)
    with pytest.raises(BusUnavailable, match="stopping"):
        await node.publish(3)


async def test_what_waits_at_the_end_is_sent_first():
    log = Log()
    node = Node("n", log)
    async with running(node):
        publishing = asyncio.create_task(node.publish(1))
        await asyncio.sleep(0)
    await publishing
    bodies = [decode(each).body for each in log.messages]
    assert publication(1) in bodies
    assert bodies[-1].leaving


async def test_closing_takes_the_metrics_away():
    node = Node("n", Log())
    node.core.close()
    assert list(node.metrics.collect()) == []
