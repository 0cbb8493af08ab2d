"""Who holds the hook, and how a forgotten profiler is ended."""

import sys
import threading

import fastprof
import pytest
from support import label

HERE = __file__


def line_here():
    return sys._getframe(1).f_lineno


def leaf():
    return None


def test_nobody():
    assert fastprof.who() == []


@pytest.mark.parametrize("kind", [fastprof.Profile, fastprof.Profiler])
def test_a_profiler_is_named_with_the_place_that_enabled_it(kind):
    profiler = kind()
    profiler.enable(); line = line_here()  # fmt: skip  # noqa: E702
    [holder] = fastprof.who()
    assert holder.profiler is profiler
    assert repr(holder) == f"<{kind.__name__}, enabled at {HERE}:{line}>"
    assert profiler.enabled_at == (HERE, line)
    profiler.disable()
    assert fastprof.who() == []
    assert profiler.enabled_at is None


def test_a_with_statement_is_the_place_and_not_our_enter():
    with fastprof.Profiler() as profiler: line = line_here()  # fmt: skip  # noqa: E701
    assert profiler.enabled_at is None
    with profiler:
        assert profiler.enabled_at == (HERE, line_here() - 1)
    assert line


def test_a_forgotten_profiler_is_ended_and_keeps_what_it_has():
    def forget():
        fastprof.Profiler().enable()

    forget()
    assert fastprof.who() == []  # it was freed

    kept = []

    def forget_on_a_thread():
        kept.append(fastprof.Profiler())
        kept[0].enable()
        leaf()

    thread = threading.Thread(target=forget_on_a_thread)
    thread.start()
    thread.join()
    [holder] = fastprof.who()
    leaf()
    holder.end()
    assert not kept[0].enabled
    assert fastprof.who() == []
    kept[0].snapshot_stats()
    assert kept[0].stats[label(leaf)][1] == 2
    holder.end()


def test_the_last_one_comes_first():
    with fastprof.Profiler() as first, fastprof.Profiler() as second:
        found = [holder.profiler for holder in fastprof.who()]
    assert found == [second, first]


def test_others_are_seen_and_left_alone(foreign_profiler):
    with foreign_profiler():
        holders = fastprof.who()
        assert holders
        for holder in holders:
            assert holder.profiler is None
            with pytest.raises(fastprof.FastprofError, match="no profiler of fastprof"):
                holder.end()
        assert len(fastprof.who()) == len(holders)


def test_functions_of_the_thread_are_seen():
    def hook(frame, event, argument):
        return None

    before = sys.gettrace()
    sys.setprofile(hook)
    sys.settrace(hook)
    try:
        places = {h.place for h in fastprof.who() if h.name == repr(hook)}
    finally:
        sys.setprofile(None)
        sys.settrace(before)
    assert places == {
        "profile function of this thread",
        "trace function of this thread",
    }


def test_our_own_hook_is_no_stranger():
    with fastprof.Profiler(backend="setprofile"):
        names = [holder.name for holder in fastprof.who()]
    assert names == ["Profiler"]
