"""`fastprof.testing`: growth, shares and speed.

Where the answer must not depend on this machine, calls are counted, or the difference
is so large that it is seen on any.
"""

import bisect
import time

import pytest
from fastprof import Profiler
from fastprof.testing import assert_faster, assert_scales, assert_share
from fastprof.testing.growth import ORDERS
from fastprof.testing.speed import Ratio, _rank, measure_ratio


def touch(item):
    return item


def linear(items):
    for item in items:
        touch(item)


def quadratic(items):
    for item in items:
        for other in items:
            compare(item, other)


def compare(item, other):
    return item < other


def merge_sort(items):
    if len(items) <= 1:
        return items
    middle = len(items) // 2
    return merge(merge_sort(items[:middle]), merge_sort(items[middle:]))


def merge(left, right):
    merged = []
    for item in left:
        bisect.insort(merged, item)
    return merged + [touch(item) for item in right]


def constant(items):
    for _ in range(50):
        touch(items)


def logarithmic(items):
    size = len(items)
    while size:
        touch(size)
        size //= 2


def cubic(items):
    for _ in items:
        quadratic(items)


SIZES = [64, 128, 256, 512]
GROWTH = {
    constant: "1",
    logarithmic: "log n",
    linear: "n",
    merge_sort: "n log n",
    quadratic: "n^2",
}


@pytest.mark.parametrize("function", GROWTH)
@pytest.mark.parametrize("order", ["1", "log n", "n", "n log n", "n^2"])
def test_growth_by_calls(function, order):
    orders = list(ORDERS)
    if orders.index(GROWTH[function]) <= orders.index(order):
        assert_scales(function, SIZES, order, make=range)
    else:
        with pytest.raises(AssertionError, match=f"does not grow by {order}"):
            assert_scales(function, [64, 256, 1024], order, make=range)


def test_who_grows_fastest_is_named():
    def work(items):
        linear(items)
        quadratic(items)

    with pytest.raises(AssertionError) as failure:
        assert_scales(work, SIZES, "n log n", make=range)
    message = str(failure.value)
    assert "work does not grow by n log n, but more like n^2:" in message
    assert f"Growing fastest, from size 256 to 512:\n    {__name__}:compare" in message
    assert "65,536 -> 262,144 calls, like n^2.00" in message


def test_a_constant_part_does_not_count():
    def work(items):
        for _ in range(100_000):
            len("")
        linear(items)

    assert_scales(work, [1000, 2000, 8000], "n", make=range)


def test_what_is_done_once_does_not_count():
    seen = []

    def work(items):
        if not seen:
            seen.append(1)
            quadratic(range(100))
        linear(items)

    assert_scales(work, SIZES, "n", make=range)


def test_growth_of_a_function_of_the_size_itself():
    assert_scales(lambda size: linear(range(size)), SIZES, "n")
    assert_scales(cubic, [8, 16, 32], "n**3", make=range)
    with pytest.raises(AssertionError, match=r"more like n\^3"):
        assert_scales(cubic, [8, 16, 32, 64], "n^2", make=range)


def test_growth_by_time():
    def squared(size):
        total = 0
        for one in range(size):
            for other in range(size):
                total += one ^ other
        return total

    assert_scales(squared, [50, 100, 200, 400], "n^3", by="time")
    with pytest.raises(AssertionError, match=r"s, where .* were foretold"):
        assert_scales(squared, [20, 60, 180, 540], "1", by="time")


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1, 2], "n"), {}, "at least three"),
        (([8, 4, 16], "n"), {}, "from small to large"),
        (([10, 11, 12], "n"), {}, "four times"),
        (([1, 2, 4], "n"), {}, "2 or more"),
        (([10, 20, 40], "n!"), {}, "order must be one of"),
        (([10, 20, 40], "n"), {"by": "luck"}, 'by must be "calls" or "time"'),
    ],
)
def test_growth_that_cannot_be_asserted(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        assert_scales(linear, *arguments, **options)


# ---- shares ----


class Clock:
    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


@pytest.fixture
def profile():
    clock = Clock()

    def inner():
        clock.now += 30

    def outer():
        clock.now += 60
        inner()

    def rest():
        clock.now += 10

    with Profiler(timer=clock, timeunit=1.0) as profiler:
        outer()
        rest()
    return profiler.snapshot(), outer, inner


def test_shares(profile):
    stats, outer, inner = profile
    assert_share(stats, outer, at_most=0.6, at_least=0.6)
    assert_share(stats, outer, at_most=0.9, at_least=0.9, of="cumulative")
    assert_share(stats, inner, at_least=0.3)
    assert_share(stats, touch, at_most=0.0)
    with pytest.raises(AssertionError) as failure:
        assert_share(stats, outer, at_most=0.5)
    message = str(failure.value)
    assert "outer took 60.0% (+- 0.0%) of the 100.000000 seconds" in message
    assert "by its own time; at most 50.0% is right" in message
    assert message.splitlines()[1].startswith("   60.0%   60.000000 s  ")
    with pytest.raises(AssertionError, match="at least 95.0% is right"):
        assert_share(stats, outer, at_least=0.95, of="cumulative")


def test_the_error_of_a_share_is_to_its_favour():
    with Profiler() as profiler:
        linear(range(20000))
    stats = profiler.snapshot()
    function = stats[touch]
    share = function.own / sum(one.own for one in stats.functions)
    assert function.own_error > 0.0
    assert_share(stats, touch, at_most=share * 0.999)
    assert_share(stats, linear, at_most=0.999, of="cumulative")


def test_python_code_has_no_share_while_it_waits_for_a_cpu():
    def waits():
        time.sleep(0.05)

    def works():
        for number in range(100_000):
            touch(number)

    shares = {}
    for clock in ("wall", "both"):
        # Without C functions sleep stands for what the machine keeps a function from.
        with Profiler(clock=clock, builtins=False) as profiler:
            waits()
            works()
        shares[clock] = profiler
    for of in ("own", "cumulative"):
        assert_share(shares["both"], waits, at_most=0.1, of=of)
        with pytest.raises(AssertionError):
            assert_share(shares["wall"], waits, at_most=0.1, of=of)
    with Profiler(clock="both") as profiler:
        waits()
        works()
    assert_share(profiler, waits, at_least=0.2, of="cumulative")


def test_shares_that_cannot_be_asserted(profile):
    stats, outer, _ = profile
    with pytest.raises(TypeError, match="at_most or at_least"):
        assert_share(stats, outer)
    with pytest.raises(ValueError, match="from 0 to 1"):
        assert_share(stats, outer, at_most=50)
    with pytest.raises(ValueError, match="of must be"):
        assert_share(stats, outer, at_most=0.5, of="cpu")
    with Profiler(timer=lambda: 0, timeunit=1.0) as profiler:
        touch(1)
    with pytest.raises(ValueError, match="took time"):
        assert_share(profiler, touch, at_most=0.5)


# ---- speed ----


def short():
    return sum(range(100))


def long():
    return sum(range(1000))


def test_what_is_faster():
    assert_faster(short, long)
    assert_faster(short, long, by=2.0)
    assert_faster(long, short, by=0.01)
    assert_faster(short, short, by=0.5)
    with pytest.raises(AssertionError) as failure:
        assert_faster(long, short)
    message = str(failure.value)
    assert f"{__name__}:long is not 1 times as fast as {__name__}:short, but" in message
    assert "pairs of samples" in message
    with pytest.raises(AssertionError):
        assert_faster(short, long, by=100.0)


def test_calls_that_take_long_are_sampled_once_a_time():
    calls = []

    def slow():
        calls.append(1)
        time.sleep(0.005)

    # Any ratio is decisive, so the first samples are enough on a busy machine, too.
    ratio = measure_ratio(slow, lambda: time.sleep(0.01), decisive=0.0)
    assert ratio.pairs == 20
    assert len(calls) <= 22
    assert ratio.median > 1.0


def test_speed_that_cannot_be_asserted():
    with pytest.raises(ValueError, match="above 0"):
        assert_faster(short, long, by=0)
    with pytest.raises(ZeroDivisionError):
        assert_faster(lambda: 1 / 0, long)


def test_the_interval_has_the_median_as_often_as_it_should():
    """The exact probability that a rank is too far in, for each number of pairs."""
    for pairs in (20, 40, 80, 160):
        rank = _rank(pairs)
        below, ways, outside = 0, 1, []
        for number in range(pairs + 1):
            below += ways
            outside.append(below / 2**pairs)
            ways = ways * (pairs - number) // (number + 1)
        # The median lies below that sample if at most `rank` samples are below it.
        assert outside[rank] <= 1e-5 < outside[rank + 1]
    ratio = Ratio([float(number) for number in range(20)], (1.0, 1.0))
    assert (ratio.median, ratio.low, ratio.high) == (9.5, 0.0, 19.0)
