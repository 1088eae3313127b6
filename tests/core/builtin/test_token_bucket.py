import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gatewright import ConnectionInfo
from gatewright.builtin.token_bucket import TokenBuckets, TokenBucketSettings, gatewright_rate_limit

CONNECTION = ConnectionInfo("c1", "1", ("user:1",), 0)


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def make(per_second=10.0, burst=20.0):
    time = Time()
    return TokenBuckets(per_second, burst, time).admission(CONNECTION), time


def admitted(bucket, tries=100):
    return sum(bucket.admit() for _ in range(tries))


def test_a_bucket_starts_full():
    bucket, _ = make()

    assert [bucket.admit() for _ in range(22)] == [True] * 20 + [False] * 2


def test_it_refills_continuously():
    bucket, time = make()
    admitted(bucket)

    time.now += 0.05
    assert admitted(bucket) == 0
    time.now += 0.0625
    assert admitted(bucket) == 1
    time.now += 1.0
    assert admitted(bucket) == 10


def test_it_never_holds_more_than_its_burst():
    bucket, time = make()
    time.now += 3600.0

    assert admitted(bucket) == 20


def test_connections_have_buckets_of_their_own():
    limit = TokenBuckets(1.0, 1.0, Time())
    first, second = limit.admission(CONNECTION), limit.admission(CONNECTION)

    assert (admitted(first), admitted(second)) == (1, 1)


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_without_a_rate_there_is_no_limit(rate):
    assert TokenBuckets(rate, 20.0, Time()).admission(CONNECTION) is None


def test_a_bucket_costs_no_dictionary():
    bucket, _ = make()

    assert not hasattr(bucket, "__dict__")


@settings(deadline=None)
@given(
    steps=st.lists(st.floats(0.0, 5.0, allow_subnormal=False), max_size=50),
    rate=st.floats(0.1, 50.0),
    burst=st.floats(1.0, 50.0),
)
def test_no_pattern_of_messages_gets_more_than_burst_and_rate(steps, rate, burst):
    bucket, time = make(rate, burst)
    total = 0
    for step in steps:
        time.now += step
        total += admitted(bucket, 120)

    assert total <= burst + time.now * rate + 1e-6


def test_the_defaults_are_the_contracts():
    defaults = TokenBucketSettings()

    assert (defaults.per_second, defaults.burst) == (10.0, 20.0)
    assert all(field.description for field in TokenBucketSettings.model_fields.values())


@pytest.mark.parametrize("options", [{"burst": 0.5}, {"per_second": 5, "burst": 0}])
def test_a_burst_below_one_message_is_refused_while_there_is_a_rate(options):
    with pytest.raises(ValidationError) as caught:
        TokenBucketSettings(**options)

    (error,) = caught.value.errors()
    assert error["loc"] == ("burst",)
    assert error["msg"] == "Value error, must be at least 1 while per_second is more than 0"


@pytest.mark.parametrize("options", [{"per_second": 0, "burst": 0}, {"per_second": -1}])
def test_any_burst_goes_without_a_rate(options):
    assert TokenBucketSettings(**options).per_second <= 0


def test_nonsense_is_refused():
    with pytest.raises(ValidationError):
        TokenBucketSettings(per_second=float("nan"))
    with pytest.raises(ValidationError):
        TokenBucketSettings(rate=1)


@pytest.mark.anyio
async def test_it_counts_by_the_gateways_clock():
    class Context:
        class clock:  # noqa: N801 - stands for the attribute
            @staticmethod
            def monotonic():
                return 5.0

    async with gatewright_rate_limit().open(TokenBucketSettings(), Context) as limit:
        assert limit.now() == 5.0
        assert (limit.per_second, limit.burst) == (10.0, 20.0)
