"""Profile and Profiler keep what cProfile.Profile promises, and their own promises."""

import cProfile
import gc
import inspect
import marshal
import os
import pathlib
import pstats
import sys
import types
import weakref
from decimal import Decimal

import fastprof
import pytest
from support import (
    FORMS,
    assert_counts,
    counts_of_stats,
    cprofile_counts,
    label,
    record,
)

BOTH = pytest.mark.parametrize("make", [fastprof.Profile, fastprof.Profiler])
LEN = ("~", 0, "<built-in method builtins.len>")


def outer(n=1):
    for _ in range(n):
        inner()


def inner():
    return len("inner")


def factorial(n):
    return 1 if n <= 1 else n * factorial(n - 1)


def ncalls(profile, function):
    """How often `function` was called so far; the profile goes on recording."""
    profile.snapshot_stats()
    return profile.stats.get(label(function), (0, 0))[1]


def functions_of(profile):
    """The names of the functions that the profile shows."""
    profile.create_stats()
    return {name for _, _, name in profile.stats}


class Ticks:
    """A timer that goes one up with every reading."""

    def __init__(self, kind=int):
        self.kind = kind
        self.readings = 0

    def __call__(self):
        self.readings += 1
        return self.kind(self.readings)


# ---- constructor and timer ----


def test_constructor_takes_what_cprofile_takes_by_position_and_by_name():
    timer = Ticks()
    for profile in (
        fastprof.Profile(timer, 0.001, False, False),
        fastprof.Profile(timer=timer, timeunit=0.001, subcalls=False, builtins=False),
        fastprof.Profile(timer, subcalls=False, timeunit=0.001, builtins=False),
    ):
        profile.runcall(outer)
        assert functions_of(profile) == {"outer", "inner"}
        assert all(callers == {} for *_, callers in profile.stats.values())
        assert 0 < profile.stats[label(outer)][3] < 1


def test_profile_has_the_signature_of_cprofile():
    parameters = inspect.signature(fastprof.Profile).parameters
    first = [(p.name, p.default) for p in parameters.values()][:4]
    assert first == [
        ("timer", None),
        ("timeunit", 0.0),
        ("subcalls", True),
        ("builtins", True),
    ]


def test_profiler_takes_keywords_only():
    with pytest.raises(TypeError):
        fastprof.Profiler(Ticks())
    fastprof.Profiler(timer=Ticks(), timeunit=1.0).runcall(outer)


class Reading:
    """Stands for an integer, as numpy's do."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


@pytest.mark.parametrize(
    ("timer", "unit"),
    [
        (Ticks(int), 0.5),
        (Ticks(float), 0.0),
        (Ticks(int), 0.0),
        (Ticks(Reading), 0.5),
        (Ticks(Reading), 0.0),
        (Ticks(Decimal), 0.0),
    ],
)
def test_timer_readings_are_scaled_by_the_unit(timer, unit):
    profile = fastprof.Profile(timer, unit)
    profile.runcall(inner)
    profile.create_stats()
    own, cumulative = profile.stats[label(inner)][2:4]
    # Readings while inner() runs: its own two, and the two of len().
    assert cumulative == 3 * (unit or 1.0)
    assert own == 2 * (unit or 1.0)


@BOTH
def test_timer_that_raises_does_not_disturb_the_program(make, unraisable):
    def timer():
        raise LookupError

    profile = make(timer=timer)
    assert profile.runcall(factorial, 5) == 120
    profile.create_stats()
    assert profile.stats[label(factorial)][:4] == (1, 5, 0.0, 0.0)
    assert set(unraisable) == {LookupError}


@BOTH
@pytest.mark.parametrize(
    ("value", "unit"), [("soon", 0.0), ("soon", 1.0), (1.5, 1.0), (Decimal(1), 1.0)]
)
def test_timer_of_the_wrong_type_does_not_disturb_the_program(
    make, value, unit, unraisable
):
    profile = make(timer=lambda: value, timeunit=unit)
    assert profile.runcall(factorial, 5) == 120
    assert ncalls(profile, factorial) == 5
    assert set(unraisable) == {TypeError}


@BOTH
@pytest.mark.parametrize("method", ["disable", "clear"])
def test_timer_that_ends_its_own_profile_gets_an_error(make, method, unraisable):
    profile = None

    def timer():
        if profile is not None:
            getattr(profile, method)()
        return 1.0

    profile = make(timer=timer)
    assert profile.runcall(factorial, 5) == 120
    assert set(unraisable) == {RuntimeError}
    profile = None


@BOTH
@pytest.mark.parametrize("method", ["disable", "clear"])
def test_timer_whose_answer_ends_its_own_profile_gets_an_error(
    make, method, unraisable
):
    class Ending:
        def __index__(self):
            getattr(profile, method)()
            return 0

    profile = make(timer=Ending, timeunit=1.0)
    assert profile.runcall(factorial, 5) == 120
    assert set(unraisable) == {RuntimeError}


@BOTH
def test_timer_is_not_in_the_profile(make):
    def timer():
        return float(clock())

    clock = Ticks()
    profile = make(timer=timer)
    profile.runcall(outer)
    assert functions_of(profile) == {"outer", "inner", LEN[2]}


@BOTH
def test_timer_that_is_not_callable_is_refused_or_unraisable(make, unraisable):
    try:
        profile = make(timer=5)
    except TypeError:
        return
    assert profile.runcall(factorial, 5) == 120
    assert set(unraisable) == {TypeError}


# ---- options ----


@BOTH
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("threads", "some"),
        ("clock", "sundial"),
        ("backend", "dtrace"),
        ("builtins", "many"),
        ("max_nodes", 0),
        ("max_nodes", -1),
        ("max_nodes", 2**70),
        ("threads", 5),
    ],
)
def test_option_value_that_means_nothing_is_refused_by_name(make, option, value):
    with pytest.raises((ValueError, TypeError), match=option):
        make(**{option: value})


@BOTH
@pytest.mark.parametrize("option", ["max_nodes", "timeunit"])
def test_option_of_the_wrong_type_is_refused(make, option):
    with pytest.raises(TypeError, match=option):
        make(**{option: "many"})


@BOTH
def test_option_that_does_not_exist_is_refused_by_name(make):
    with pytest.raises(TypeError, match="colour"):
        make(colour="red")


@BOTH
def test_enable_flags_are_kept_until_they_are_given_again(make):
    profile = make(builtins=False, subcalls=False)

    def keys_after(*args, **kwargs):
        profile.clear()
        profile.enable(*args, **kwargs)
        outer()
        profile.create_stats()
        callers = [callers for *_, callers in profile.stats.values()]
        return LEN in profile.stats, any(callers)

    assert keys_after() == (False, False)
    assert keys_after(builtins=True) == (True, False)
    assert keys_after(subcalls=True) == (True, True)
    assert keys_after() == (True, True)
    assert keys_after(False) == (True, False)
    assert keys_after(True, False) == (False, True)
    assert keys_after() == (False, True)
    assert keys_after(False, True) == (True, False)


# ---- enable, disable, clear ----


@BOTH
def test_disable_may_be_called_at_any_time(make):
    profile = make()
    profile.disable()
    profile.enable()
    profile.disable()
    profile.disable()
    assert profile.getstats() == []


@BOTH
def test_spans_add_up_until_cleared(make):
    profile = make()
    for _ in range(3):
        with profile:
            outer()
    assert ncalls(profile, outer) == 3
    profile.clear()
    assert profile.getstats() == []
    profile.runcall(outer)
    assert ncalls(profile, outer) == 1


@BOTH
def test_clear_inside_nested_calls_forgets_what_was_before(make):
    profile = make()

    def nested(depth):
        if depth:
            return nested(depth - 1)
        inner()
        profile.clear()
        inner()

    with profile:
        nested(5)
        inner()
    assert ncalls(profile, inner) == 2


@BOTH
def test_clear_of_a_disabled_profile_inside_another_span(make):
    profile = make()
    profile.runcall(outer)
    with fastprof.Profiler() as other:
        profile.clear()
        profile.runcall(outer)
    assert ncalls(profile, outer) == 1
    assert ncalls(other, outer) == 1


@BOTH
def test_context_manager_gives_itself_and_lets_exceptions_pass(make):
    profile = make()
    with pytest.raises(ValueError, match="passes"), profile as entered:
        assert entered is profile
        raise ValueError("passes")
    inner()
    assert ncalls(profile, inner) == 0
    assert profile.__exit__(None, None, None) is None


@BOTH
def test_frames_and_methods_of_the_profiler_never_show(make):
    profile, other = make(), make()
    with profile:
        inner()
        other.enable()
        other.snapshot_stats()
        other.snapshot().create_stats()
        other.getstats()
        other.disable()
        other.clear()
        with other:
            inner()
        other.runcall(inner)
        other.create_stats()
    assert functions_of(profile) == {"inner", LEN[2]}
    assert functions_of(other) == {"inner", LEN[2]}


@BOTH
def test_functions_run_by_another_profiler_show_with_their_callers(make):
    profile, other = make(), make()

    def main():
        inner()
        other.runcall(inner)
        other.runctx("inner()", {"inner": inner}, {})
        with other:
            inner()

    record(profile, main)
    assert (ncalls(profile, inner), ncalls(other, inner)) == (4, 3)
    callers = counts_of_stats(profile.stats)[label(inner)][2]
    assert callers == {label(main): (3, 3), ("<string>", 1, "<module>"): (1, 1)}


@BOTH
def test_looking_at_a_running_profile_leaves_no_trace_in_it(make, tmp_path):
    path = str(tmp_path / "out.prof")
    with make() as profile:
        inner()
        profile.snapshot()
        profile.snapshot_stats()
        profile.getstats()
        profile.save(path)
        assert profile.clock_info
    assert functions_of(profile) == {"inner", LEN[2]}


@BOTH
def test_same_profile_enabled_twice(make):
    profile = make()
    profile.enable()
    try:
        if sys.version_info >= (3, 12):
            with pytest.raises(fastprof.ProfilerConflictError):
                profile.enable()
        else:
            profile.enable()
        inner()
    finally:
        profile.disable()
    assert ncalls(profile, inner) == 1


@BOTH
def test_enabling_in_one_frame_and_disabling_in_another(make):
    profile = make()

    def enable_deep(depth):
        if depth:
            enable_deep(depth - 1)
            inner()
        else:
            profile.enable()

    def disable_deep(depth):
        if depth:
            inner()
            disable_deep(depth - 1)
            inner()
        else:
            profile.disable()

    enable_deep(3)
    disable_deep(4)
    profile.create_stats()
    counts = counts_of_stats(profile.stats)
    assert counts[label(disable_deep)][:2] == (1, 5)
    assert counts[label(inner)] == (7, 7, {label(disable_deep): (4, 4)})
    assert label(enable_deep) not in counts


# ---- several profilers ----


def test_nested_profilers_see_their_own_spans():
    first, second = fastprof.Profile(), fastprof.Profiler()
    with first:
        outer()
        with second:
            inner()
        factorial(3)
    assert functions_of(first) == {"outer", "inner", "factorial", LEN[2]}
    assert functions_of(second) == {"inner", LEN[2]}
    assert (ncalls(first, inner), ncalls(second, inner)) == (2, 1)


@pytest.mark.parametrize("second_first", [True, False])
def test_overlapping_profilers_see_their_own_spans(second_first):
    first, second = fastprof.Profile(), fastprof.Profile()
    if second_first:
        first, second = second, first
    first.enable()
    outer()
    second.enable()
    factorial(3)
    first.disable()
    inner()
    second.disable()
    assert functions_of(first) == {"outer", "inner", "factorial", LEN[2]}
    assert functions_of(second) == {"factorial", "inner", LEN[2]}
    assert (ncalls(first, inner), ncalls(second, inner)) == (1, 1)


def test_profiler_that_starts_inside_a_recorded_recursion_is_exact():
    outside, inside = fastprof.Profile(), fastprof.Profile()

    def dive(n):
        if n == 3:
            inside.enable()
        if n:
            dive(n - 1)
        if n == 5:
            inside.disable()

    outside.runcall(dive, 7)
    outside.create_stats()
    inside.create_stats()
    assert counts_of_stats(outside.stats)[label(dive)][:2] == (1, 8)
    assert counts_of_stats(inside.stats)[label(dive)][:2] == (1, 3)


def test_many_profilers_at_once():
    profiles = [fastprof.Profile() for _ in range(20)]
    for profile in profiles:
        profile.enable()
        inner()
    for profile in profiles[::2] + profiles[1::2]:
        profile.disable()
        inner()
    # Each sees the calls after its enable() and before its disable().
    ends = [*range(0, 20, 2), *range(1, 20, 2)]
    expected = [20 - i + ends.index(i) for i in range(20)]
    assert [ncalls(profile, inner) for profile in profiles] == expected


@BOTH
def test_foreign_hook_is_a_conflict_and_stays(make):
    seen = []

    def hook(frame, event, arg):
        if frame.f_code is inner.__code__:
            seen.append(event)

    profile = make(backend="setprofile")
    sys.setprofile(hook)
    try:
        with pytest.raises(fastprof.ProfilerConflictError) as raised:
            profile.enable()
        assert sys.getprofile() is hook
        inner()
        assert seen == ["call", "c_call", "c_return", "return"]
    finally:
        sys.setprofile(None)
    assert isinstance(raised.value, ValueError)
    assert isinstance(raised.value, fastprof.FastprofError)
    profile.runcall(inner)
    assert ncalls(profile, inner) == 1


@BOTH
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="cProfile is a hook up to 3.11")
def test_cprofile_in_the_way_is_a_conflict_and_stays(make):
    other = cProfile.Profile()
    other.enable()
    try:
        with pytest.raises(fastprof.ProfilerConflictError):
            make().enable()
        inner()
    finally:
        other.disable()
    assert ncalls(other, inner) == 1


# ---- running code ----


@BOTH
def test_runcall_passes_arguments_and_gives_the_value(make):
    def function(*args, **kwargs):
        return args, kwargs

    profile = make()
    value = profile.runcall(function, 1, 2, func=3, self=4)
    assert value == ((1, 2), {"func": 3, "self": 4})
    assert ncalls(profile, function) == 1


@BOTH
def test_runcall_ends_recording_when_the_function_raises(make):
    profile = make()
    with pytest.raises(ZeroDivisionError):
        profile.runcall(divmod, 1, 0)
    inner()
    assert functions_of(profile) == {"<built-in method builtins.divmod>"}


@BOTH
def test_runctx_runs_in_the_given_namespaces(make):
    profile, namespace, local = make(), {"outer": outer}, {}
    assert profile.runctx("outer(); value = 5", namespace, local) is profile
    assert local == {"value": 5}
    profile.create_stats()
    counts = counts_of_stats(profile.stats)
    executed, module = ("~", 0, "<built-in method builtins.exec>"), "<string>"
    assert counts[executed] == (1, 1, {})
    assert counts[(module, 1, "<module>")] == (1, 1, {executed: (1, 1)})


@BOTH
def test_no_future_statement_of_ours_changes_what_is_executed(make):
    namespace = {}
    make().runctx("def f(x: 1 + 1): pass", namespace, namespace)
    assert namespace["f"].__annotations__ == {"x": 2}


@BOTH
def test_run_runs_in_main(make, monkeypatch):
    import __main__

    profile = make()
    monkeypatch.setattr(__main__, "probe", outer, raising=False)
    assert profile.run("probe()") is profile
    assert ncalls(profile, outer) == 1


@BOTH
def test_methods_that_run_code_let_exceptions_pass(make):
    profile = make()
    with pytest.raises(SystemExit):
        profile.run("raise SystemExit(3)")
    with pytest.raises(KeyError):
        profile.runctx("raise KeyError", {}, {})
    inner()
    assert ncalls(profile, inner) == 0


@BOTH
def test_nothing_is_written_but_by_print_stats(make, capsys):
    profile = make()
    profile.run("len('x')")
    profile.runcall(outer)
    profile.create_stats()
    profile.snapshot()
    assert capsys.readouterr() == ("", "")


def test_module_level_run_prints_and_swallows_system_exit(capsys):
    fastprof.run("len('x'); raise SystemExit(3)")
    assert "{built-in method builtins.len}" in capsys.readouterr().out


def test_module_level_runctx_writes_a_file(tmp_path, capsys):
    path = tmp_path / "out.prof"
    namespace = {"outer": outer}
    fastprof.runctx("outer(); raise SystemExit", namespace, {}, filename=str(path))
    assert capsys.readouterr().out == ""
    assert label(outer) in pstats.Stats(str(path)).stats


def test_module_level_run_lets_other_exceptions_pass_and_still_reports(capsys):
    with pytest.raises(ZeroDivisionError):
        fastprof.run("1 / 0")
    assert "<string>:1(<module>)" in capsys.readouterr().out


@pytest.mark.parametrize("sort", ["cumulative", 2, pstats.SortKey.CUMULATIVE])
def test_module_level_runctx_sorts(sort, capsys):
    fastprof.runctx("outer()", {"outer": outer}, {}, sort=sort)
    assert "Ordered by: cumulative time" in capsys.readouterr().out


def test_module_level_functions_take_what_those_of_cprofile_take():
    for name in ("run", "runctx"):
        ours = inspect.signature(getattr(fastprof, name)).parameters
        theirs = inspect.signature(getattr(cProfile, name)).parameters
        assert [(p.name, p.default) for p in ours.values()] == [
            (p.name, p.default) for p in theirs.values()
        ]


# ---- stats ----


@BOTH
def test_create_stats_ends_recording_and_snapshot_stats_does_not(make):
    profile = make()
    profile.enable()
    inner()
    profile.snapshot_stats()
    assert profile.stats[label(inner)][1] == 1
    inner()
    profile.create_stats()
    inner()
    assert profile.stats[label(inner)][1] == 2
    assert ncalls(profile, inner) == 2


@BOTH
def test_snapshot_disables_nothing_and_touches_no_stats(make):
    profile = make()
    profile.enable()
    inner()
    profile.stats = sentinel = {}
    snapshot = profile.snapshot()
    inner()
    profile.disable()
    assert profile.stats is sentinel == {}
    assert snapshot.stats[label(inner)][1] == 1
    assert ncalls(profile, inner) == 2
    assert label(inner) in pstats.Stats(snapshot).stats
    assert (snapshot.complete, snapshot.truncated) == (True, False)


@BOTH
def test_snapshot_inside_a_call_counts_open_calls_up_to_now(make):
    profile = make(timer=Ticks(), timeunit=1.0)
    seen = []

    def look(depth):
        if depth:
            return look(depth - 1)
        seen.append(profile.snapshot().stats[label(look)])

    profile.runcall(look, 3)
    (cc, nc, own, cumulative, callers) = seen[0]
    assert (cc, nc) == (1, 4)
    assert callers[label(look)][:2] == (3, 1)
    assert own > 0
    assert own <= cumulative
    profile.create_stats()
    final = profile.stats[label(look)]
    assert final[:2] == (1, 4)
    assert final[3] > cumulative


@BOTH
def test_pstats_reads_the_profile_again_and_again(make):
    profile = make()
    profile.runcall(outer)
    first = pstats.Stats(profile).stats
    assert profile.stats == {}
    assert pstats.Stats(profile).stats == first != {}


@BOTH
def test_pstats_ends_recording_as_with_cprofile(make):
    profile = make()
    profile.enable()
    inner()
    stats = pstats.Stats(profile)
    inner()
    assert stats.stats[label(inner)][1] == 1
    assert ncalls(profile, inner) == 1


@BOTH
@pytest.mark.skipif(sys.version_info >= (3, 15), reason="a TypeError up to 3.14")
def test_empty_profile_is_the_type_error_of_pstats(make):
    with pytest.raises(TypeError, match="Cannot create or construct"):
        pstats.Stats(make())


@BOTH
@pytest.mark.skipif(sys.version_info < (3, 15), reason="pstats takes it from 3.15 on")
def test_empty_profile_is_one_without_functions(make):
    assert pstats.Stats(make()).stats == {}


def test_stats_have_the_shape_that_viewers_expect():
    profile = record(fastprof.Profile(), lambda: (outer(3), factorial(4)))
    profile.create_stats()
    assert type(profile.stats) is dict
    for key, value in profile.stats.items():
        assert [type(part) for part in key] == [str, int, str]
        assert [type(part) for part in value] == [int, int, float, float, dict]
        for caller, edge in value[4].items():
            assert caller in profile.stats
            assert [type(part) for part in edge] == [int, int, float, float]
    assert marshal.loads(marshal.dumps(profile.stats)) == profile.stats
    assert profile.stats[label(factorial)][:2] == (1, 4)
    assert profile.stats[label(factorial)][4][label(factorial)][:2] == (3, 1)


def test_functions_with_one_label_are_summed():
    first, second = (lambda: inner()), (lambda: (inner(), inner()))

    def main():
        for _ in range(5):
            first()
        second()

    assert label(first) == label(second)
    profile = record(fastprof.Profile(), main)
    profile.create_stats()
    counts = counts_of_stats(profile.stats)
    assert counts[label(first)] == (6, 6, {label(main): (6, 6)})
    assert counts[label(inner)] == (7, 7, {label(first): (7, 7)})
    assert [e.callcount for e in profile.getstats() if e.code is first.__code__] == [5]


@BOTH
def test_getstats_entries_are_those_of_cprofile(make):
    profile, theirs = make(), cProfile.Profile()
    for p in (profile, theirs):
        p.runcall(outer)
    entry = next(e for e in profile.getstats() if e.code is outer.__code__)
    model = next(e for e in theirs.getstats() if e.code is outer.__code__)
    names = ["code", "callcount", "reccallcount", "totaltime", "inlinetime", "calls"]
    assert isinstance(entry, tuple)
    assert tuple(entry) == tuple(getattr(entry, name) for name in names)
    assert [type(part) for part in entry] == [type(part) for part in model]
    for ours, like in ((entry, model), (entry.calls[0], model.calls[0])):
        for size in ("n_sequence_fields", "n_fields", "n_unnamed_fields"):
            assert getattr(ours, size) == getattr(like, size)
    sub = entry.calls[0]
    assert tuple(sub) == tuple(getattr(sub, name) for name in names[:5])
    assert sub.code is inner.__code__
    (length,) = [e for e in profile.getstats() if isinstance(e.code, str)]
    assert length.code == LEN[2]
    assert length.calls is None


@BOTH
def test_getstats_without_subcalls_has_no_calls(make):
    profile = make(subcalls=False)
    profile.runcall(outer)
    assert {entry.calls for entry in profile.getstats()} == {None}


@BOTH
def test_getstats_works_while_recording(make):
    profile = make()
    with profile:
        inner()
        codes = [entry.code for entry in profile.getstats()]
        inner()
    assert inner.__code__ in codes
    assert ncalls(profile, inner) == 2


@pytest.mark.parametrize(
    ("sort", "title"),
    [
        (-1, "standard name"),
        (0, "call count"),
        ("tottime", "internal time"),
        (pstats.SortKey.NFL, "name/file/line"),
        (("calls", "name"), "call count, function name"),
    ],
)
@BOTH
def test_print_stats_sorts_by_what_pstats_sorts_by(make, sort, title, capsys):
    profile = make()
    profile.runcall(outer)
    profile.print_stats(sort)
    printed = capsys.readouterr().out
    assert f"Ordered by: {title}" in printed
    assert "3 function calls in" in printed
    assert f"{pathlib.Path(__file__).name}:" in printed


@BOTH
def test_print_stats_of_an_unknown_key_is_the_error_of_pstats(make):
    profile = make()
    profile.runcall(outer)
    with pytest.raises(KeyError):
        profile.print_stats("colour")


@BOTH
def test_dump_stats_ends_recording_and_writes_what_pstats_reads(make, tmp_path):
    profile = make()
    path = tmp_path / "out.prof"
    profile.enable()
    outer()
    profile.dump_stats(path)
    inner()
    assert ncalls(profile, inner) == 1
    assert pstats.Stats(str(path)).stats == profile.stats
    assert fastprof.load(path).stats == profile.stats


@BOTH
def test_save_keeps_recording_and_load_gives_it_back(make, tmp_path):
    profile = make()
    path = tmp_path / "out.prof"
    profile.enable()
    outer()
    profile.save(path)
    inner()
    profile.disable()
    assert ncalls(profile, inner) == 2
    assert fastprof.load(path).stats[label(inner)][1] == 1
    with pytest.raises(fastprof.UnknownFormatError):
        profile.save(tmp_path / "out.unknown")


@BOTH
def test_stats_is_a_plain_writable_attribute(make):
    profile = make()
    profile.runcall(inner)
    profile.create_stats()
    profile.stats = {"mine": 1}
    assert profile.stats == {"mine": 1}
    profile.create_stats()
    assert label(inner) in profile.stats


# ---- subclasses ----


class Logged(fastprof.Profile):
    """A subclass with a constructor, an attribute and overridden methods."""

    def __init__(self, name, **options):
        super().__init__(**options)
        self.name = name
        self.log = []

    def enable(self, *args, **kwargs):
        self.log.append("enable")
        super().enable(*args, **kwargs)

    def disable(self):
        super().disable()
        self.log.append("disable")

    def create_stats(self):
        self.log.append("create_stats")
        super().create_stats()


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (lambda p: p.runcall(inner), ["enable", "disable"]),
        (lambda p: p.runctx("pass", {}, {}), ["enable", "disable"]),
        (lambda p: p.run("pass"), ["enable", "disable"]),
        (lambda p: p.__enter__().__exit__(), ["enable", "disable"]),
        (lambda p: p.create_stats(), ["create_stats", "disable"]),
    ],
)
def test_overridden_methods_are_called_as_cprofile_calls_them(use, expected):
    profile = Logged("mine", builtins=False)
    use(profile)
    assert (profile.name, profile.log) == ("mine", expected)


def test_overridden_create_stats_is_called_for_pstats_and_files(tmp_path):
    profile = Logged("mine")
    profile.runcall(inner)
    profile.log.clear()
    pstats.Stats(profile)
    profile.dump_stats(str(tmp_path / "out.prof"))
    assert profile.log == ["create_stats", "disable"] * 2


def test_subclass_counts_like_the_class():
    class Plain(fastprof.Profile):
        pass

    def main():
        outer(3)

    for form in FORMS:
        assert_counts(record(Plain(), main, form), cprofile_counts(main, form))


# ---- references ----


class Callable:
    def __call__(self):
        return self

    def method(self):
        return len("method")


class Growing(list):
    pass


@BOTH
def test_recorded_calls_keep_no_instance_alive(make):
    profile = make()
    with profile:
        instance, growing = Callable(), Growing()
        instance(), instance.method(), growing.append(1), growing.copy()
        instance.bound = types.MethodType(len, growing)
        instance.bound()
        alive = weakref.ref(instance), weakref.ref(growing)
        del instance, growing
        assert [reference() for reference in alive] == [None, None]
    assert ncalls(profile, Callable.method) == 1


@BOTH
def test_recorded_exceptions_and_frames_are_not_kept(make):
    class Wanted(Exception):
        pass

    def fail(local):
        raise Wanted

    profile = make()
    local = Callable()
    alive = weakref.ref(local)
    with profile:
        try:
            fail(local)
        except Wanted:
            pass
    del local
    assert alive() is None


@BOTH
def test_references_to_what_was_called_are_given_back(make):
    namespace = {}
    exec("def function(): pass", namespace)
    code = weakref.ref(namespace["function"].__code__)
    profile = make()
    profile.runcall(namespace["function"])
    namespace.clear()
    gc.collect()
    assert [entry.code for entry in profile.getstats()] == [code()]
    profile.clear()
    gc.collect()
    assert code() is None


@BOTH
def test_counts_of_references_return_to_what_they_were(make):
    def observed():
        code, method = outer.__code__, Growing.append
        return [sys.getrefcount(o) for o in (outer, code, method, len, None.__class__)]

    def use():
        profile = make()
        profile.runcall(outer)
        Growing().append(1)
        profile.create_stats()
        profile.snapshot()
        profile.getstats()

    use()
    gc.collect()
    before = observed()
    for _ in range(50):
        use()
    gc.collect()
    assert observed() == before


@BOTH
@pytest.mark.parametrize("enabled", [True, False])
def test_dropped_profile_is_freed_and_stops(make, enabled):
    class Tracked(make):
        pass

    profile = Tracked()
    freed = weakref.ref(profile)
    profile.enable()
    inner()
    if not enabled:
        profile.disable()
    del profile
    gc.collect()
    assert freed() is None
    assert sys.getprofile() is None


@BOTH
def test_profile_in_a_cycle_is_collected(make):
    class Tracked(make):
        pass

    profile = Tracked()
    profile.itself = profile
    profile.runcall(inner)
    freed = weakref.ref(profile)
    del profile
    gc.collect()
    assert freed() is None


@BOTH
def test_timer_in_a_cycle_is_collected(make):
    class Tracked(make):
        pass

    class Timer(Ticks):
        pass

    timer = Timer()
    timer.profile = Tracked(timer=timer)
    timer.profile.runcall(inner)
    freed = weakref.ref(timer)
    del timer
    gc.collect()
    assert freed() is None


@pytest.mark.parametrize("used", [True, False])
def test_an_empty_profile_prints_an_empty_table(used, capsys):
    """With cProfile there is always its own `disable`; here there may be nothing."""
    profile = fastprof.Profile()
    if used:
        with profile:
            pass
    profile.print_stats("tottime")
    assert "0 function calls" in capsys.readouterr().out


def test_a_conflict_of_run_is_told_and_replaces_no_file(tmp_path, foreign_profiler):
    """A foreign hook used to be masked by pstats, and the old file was emptied."""
    target = tmp_path / "old.prof"
    target.write_bytes(b"old")
    with foreign_profiler():
        for filename in (None, str(target)):
            with pytest.raises(fastprof.ProfilerConflictError):
                fastprof.run("1", filename)
    assert target.read_bytes() == b"old"


def test_dump_stats_takes_what_open_takes(tmp_path):
    profile = fastprof.Profile()
    profile.runcall(inner)
    named = tmp_path / "named.prof"
    profile.dump_stats(os.fsencode(named))
    numbered = tmp_path / "numbered.prof"
    descriptor = os.open(numbered, os.O_WRONLY | os.O_CREAT)
    profile.dump_stats(descriptor)
    assert fastprof.load(named).stats == fastprof.load(numbered).stats


@pytest.mark.parametrize(
    ("filename", "sort", "error"),
    [("missing/out.prof", -1, FileNotFoundError), (None, "nonsense", KeyError)],
)
def test_run_finds_out_what_is_wrong_before_it_runs(tmp_path, filename, sort, error):
    """The profile of a long run used to be lost to a typing error."""
    ran = []
    path = None if filename is None else str(tmp_path / filename)
    with pytest.raises(error) as raised:
        fastprof.runctx("ran.append(1)", {"ran": ran}, {}, path, sort)
    assert ran == []
    if path is not None:
        assert raised.value.filename == path
    with pytest.raises(error):
        fastprof.run("1", path, sort)


def test_an_error_of_writing_names_the_file_that_was_asked_for(tmp_path):
    target = tmp_path / "missing" / "out.prof"
    profile = fastprof.Profile()
    for write in (profile.dump_stats, profile.save):
        with pytest.raises(FileNotFoundError) as raised:
            write(target)
        assert raised.value.filename == str(target)


def test_signatures_can_be_read():
    assert list(inspect.signature(fastprof.Profile().enable).parameters) == [
        "subcalls",
        "builtins",
    ]


def test_a_generator_that_goes_on_after_the_one_inside_it_ended_is_counted():
    """3.11 resumes it without an event; cProfile books its return to another call."""

    def inside():
        try:
            yield 1
        except ValueError:
            pass

    def outside():
        yield from inside()
        yield 2

    def program():
        generator = outside()
        next(generator)
        generator.throw(ValueError)
        for _ in generator:
            pass

    for builtins in (True, False):
        profile = fastprof.Profile(builtins=builtins)
        profile.runcall(program)
        profile.create_stats()
        assert profile.stats[label(outside)][:2] == (3, 3)
        assert profile.stats[label(inside)][:2] == (2, 2)
        with profile:  # resumed in the frame that enabled, which is not recorded
            generator = outside()
            next(generator)
            generator.throw(ValueError)
        del generator  # or it would be closed in the next profile
        profile.create_stats()
        assert profile.stats[label(outside)][:2] == (5, 5)


def test_a_generator_that_was_running_when_we_began_is_not_counted():
    profile = fastprof.Profile()

    def generator():
        profile.enable()
        yield 1
        yield 2

    assert list(generator()) == [1, 2]
    profile.disable()
    profile.create_stats()
    assert profile.stats[label(generator)][:2] == (2, 2)


@pytest.mark.skipif(
    sys.version_info[:2] == (3, 12),
    reason="3.12 tells a profile function of an exception as of a return of None",
)
def test_calls_that_end_with_an_exception_are_counted():
    """Not in pstats; `totals` has them for functions and edges."""

    def fails():
        raise ValueError

    def program():
        for argument in (fails, inner, fails):
            try:
                argument()
            except ValueError:
                pass
        try:
            len(5)
        except TypeError:
            pass

    profile = fastprof.Profile()
    profile.runcall(program)
    snapshot = profile.take_snapshot()
    functions, edges, *_ = snapshot.totals(True, False)
    names = [function[2] for function in snapshot.functions]
    raised = {names[number]: sums[2] for number, sums, *_ in functions}
    assert raised == {"program": 0, "fails": 2, "inner": 0, LEN[2]: 1}
    edges_raised = {(names[a], names[b]): sums[2] for a, b, sums in edges}
    assert edges_raised["program", "fails"] == 2
    assert edges_raised["program", LEN[2]] == 1
    assert edges_raised["inner", LEN[2]] == 0


def test_a_hook_that_the_program_takes_away_is_told():
    profile = fastprof.Profile(backend="setprofile")
    profile.enable()
    sys.setprofile(None)
    profile.disable()
    assert profile.snapshot().info["hook_lost"]
    assert len(profile.snapshot().warnings) == 1
    profile.clear()
    profile.runcall(inner)
    assert not profile.snapshot().info["hook_lost"]
    assert profile.snapshot().warnings == []


def test_a_hook_that_is_saved_and_put_back_goes_on():
    profile = fastprof.Profile(backend="setprofile")
    with profile:
        saved = sys.getprofile()
        sys.setprofile(None)
        inner()
        sys.setprofile(saved)
        inner()
    profile.create_stats()
    assert profile.stats[label(inner)][:2] == (1, 1)
    assert not profile.snapshot().info["hook_lost"]


@pytest.mark.parametrize("argv", [None, 5, ["name", None, 7], "text"])
def test_any_sys_argv_can_be_saved(monkeypatch, tmp_path, argv):
    monkeypatch.setattr(sys, "argv", argv)
    profile = fastprof.Profile()
    profile.runcall(inner)
    profile.save(tmp_path / "out.prof")
    expected = ["name"] if isinstance(argv, list) else []
    assert fastprof.load(tmp_path / "out.prof").info["command"] == expected
