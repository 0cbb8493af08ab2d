"""Every program of the corpus is counted call for call as cProfile counts it."""

import sys

import fastprof
import pytest
from support import (
    FORMS,
    PROGRAM_NAMES,
    assert_counts,
    counts_of_stats,
    cprofile_counts,
    differences,
    import_program,
    label,
    record,
    warm_program,
    without_addresses,
)

# cProfile of 3.12 and 3.13 is wrong about these two: it lets a SystemError escape into
# the first, and loses the callers of everything that follows a call in the second.
CPROFILE_IS_BROKEN = sys.version_info[:2] in ((3, 12), (3, 13))
BROKEN_PROGRAMS = {"wrong_self", "bound_builtins"} if CPROFILE_IS_BROKEN else set()
PROGRAMS = [name for name in PROGRAM_NAMES if name not in BROKEN_PROGRAMS]

LEN = label("<built-in method builtins.len>")
APPEND = label("<method 'append' of 'list' objects>")
UPPER = label("<method 'upper' of 'str' objects>")


def forms_of(name):
    # Our `runctx` is not as many frames deep as cProfile's.
    if getattr(import_program(name), "DEPENDS_ON_STACK_DEPTH", False):
        return [form for form in FORMS if form != "runctx"]
    return list(FORMS)


PROGRAMS_AND_FORMS = [(name, form) for name in PROGRAMS for form in forms_of(name)]


@pytest.mark.parametrize(("name", "form"), PROGRAMS_AND_FORMS)
def test_counts_are_those_of_cprofile(name, form):
    main = warm_program(name).main
    profile = record(fastprof.Profile(), main, form)
    assert_counts(profile, cprofile_counts(main, form))
    assert not profile.snapshot().truncated


@pytest.mark.parametrize("name", PROGRAMS)
def test_profiler_of_all_threads_counts_the_same(name):
    main = warm_program(name).main
    profile = record(fastprof.Profiler(), main)
    assert_counts(profile, cprofile_counts(main))


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("option", ["builtins", "subcalls"])
def test_switched_off_options_leave_out_what_cprofile_leaves_out(name, option):
    main = warm_program(name).main
    off = {option: False}
    profile = record(fastprof.Profile(**off), main)
    assert_counts(profile, cprofile_counts(main, **off))


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("max_nodes", [1, 8, 64])
def test_counts_stay_exact_when_the_node_budget_is_reached(name, max_nodes):
    main = warm_program(name).main
    profile = record(fastprof.Profile(max_nodes=max_nodes), main)
    expected = cprofile_counts(main)
    assert_counts(profile, expected)
    # A path needs a node at least for each function that is on it.
    if len(expected) > max_nodes:
        assert profile.snapshot().truncated


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="sys.monitoring is there from Python 3.12 on"
)
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("max_nodes", [1, 2**20])
def test_what_cprofile_counts_stays_when_all_callables_are(name, max_nodes, capsys):
    """Other callables come between callers and callees; the numbers of calls stay."""
    main = warm_program(name).main
    answer = None

    def program():
        nonlocal answer
        answer = main()

    capsys.readouterr()
    expected = cprofile_counts(program)
    told = without_addresses(repr(answer)), capsys.readouterr()
    profiler = fastprof.Profiler(builtins="all", max_nodes=max_nodes)
    profile = record(profiler, program)
    assert (without_addresses(repr(answer)), capsys.readouterr()) == told
    profile.create_stats()
    ours = {key: pair[:2] for key, pair in counts_of_stats(profile.stats).items()}
    expected = {key: pair[:2] for key, pair in expected.items()}
    assert not differences({key: ours.get(key) for key in expected}, expected)
    snapshot = profile.snapshot()
    assert snapshot.truncated == bool(snapshot.warnings) == (len(ours) > max_nodes)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_second_span_adds_to_the_first(name):
    main = warm_program(name).main
    once = cprofile_counts(main)
    profile = record(record(fastprof.Profile(), main), main)
    twice = {
        key: (2 * cc, 2 * nc, {c: (2 * n, 2 * p) for c, (n, p) in callers.items()})
        for key, (cc, nc, callers) in once.items()
    }
    assert_counts(profile, twice)


@pytest.mark.skipif(not CPROFILE_IS_BROKEN, reason="cProfile is wrong on 3.12, 3.13")
@pytest.mark.parametrize("max_nodes", [8, 2**20])
def test_wrong_self_is_an_error_of_the_program_and_no_call(max_nodes):
    program = warm_program("wrong_self")
    main, attempt = label(program.main), label(program.attempt)
    direct, missing_self = label(program.direct), label(program.missing_self)
    note, right_self = label(program.note), label(program.right_self)
    profile = record(fastprof.Profile(max_nodes=max_nodes), program.main)
    # Six calls are refused, each answered by one note(); only right_self(), called
    # twice, gets through to list.append and str.upper.
    assert_counts(
        profile,
        {
            main: (1, 1, {}),
            direct: (1, 1, {main: (1, 1)}),
            missing_self: (1, 1, {main: (1, 1)}),
            attempt: (3, 3, {main: (3, 3)}),
            right_self: (2, 2, {main: (2, 2)}),
            note: (6, 6, {direct: (1, 1), missing_self: (2, 2), attempt: (3, 3)}),
            LEN: (6, 6, {note: (6, 6)}),
            APPEND: (2, 2, {right_self: (2, 2)}),
            UPPER: (2, 2, {right_self: (2, 2)}),
        },
    )


@pytest.mark.skipif(not CPROFILE_IS_BROKEN, reason="cProfile is wrong on 3.12, 3.13")
@pytest.mark.parametrize("max_nodes", [8, 2**20])
def test_bound_builtins_keep_the_callers_of_what_follows(max_nodes):
    program = warm_program("bound_builtins")
    main, helper = label(program.main), label(program.helper)
    call_bound = label(program.call_bound)
    call_bound_failing = label(program.call_bound_failing)
    init = label(program.Sized.__init__)
    profile = record(fastprof.Profile(max_nodes=max_nodes), program.main)
    # What cProfile counts on 3.11: each of the four calls through a bound method is a
    # call of len, as is the one in each of the four calls of helper().
    assert_counts(
        profile,
        {
            main: (1, 1, {}),
            call_bound: (2, 2, {main: (2, 2)}),
            call_bound_failing: (1, 1, {main: (1, 1)}),
            init: (1, 1, {main: (1, 1)}),
            helper: (
                4,
                4,
                {main: (1, 1), call_bound: (2, 2), call_bound_failing: (1, 1)},
            ),
            LEN: (
                8,
                8,
                {
                    main: (1, 1),
                    call_bound: (2, 2),
                    call_bound_failing: (1, 1),
                    helper: (4, 4),
                },
            ),
        },
    )
