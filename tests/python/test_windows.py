"""Recording now and then: windows, signals, and looks while recording goes on.

Nothing is asserted about how long anything takes: programs run until something has
happened, and calls are counted.
"""

import _thread
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import fastprof
import pytest
from fastprof.aside import Aside
from fastprof.signals import numbered
from fastprof.windows import Plan, seconds_of
from hypothesis import given
from hypothesis import strategies as st
from support import run_isolated

BACKENDS = ["setprofile", "monitoring"] if sys.version_info >= (3, 12) else ["auto"]
PATIENCE = 60.0  # seconds until a test gives up

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and processes")


def leaf():
    return None


def leaves(number):
    for _ in range(number):
        leaf()


def wait_until(condition, meanwhile=leaf):
    """Run something until a condition holds, which is asked at each turn."""
    gives_up = time.monotonic() + PATIENCE
    turns = 0
    while not condition():
        assert time.monotonic() < gives_up, "it did not come"
        meanwhile()
        turns += 1
    return turns


def calls_of(profiler, function):
    try:
        return profiler.snapshot()[function].calls
    except KeyError:
        return 0


def names_in(stats):
    return {function.qualname for function in stats.functions}


@pytest.fixture(params=BACKENDS)
def profiler(request):
    one = fastprof.Profiler(backend=request.param)
    yield one
    one.disable()


@pytest.fixture(autouse=True)
def no_thread_and_no_handler_is_left():
    before = _thread._count()
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    yield
    wait_until(lambda: _thread._count() <= before, lambda: time.sleep(0.001))
    assert [signal.getsignal(number) for number in signal.valid_signals()] == handlers


# Durations, and what can be asked for.

PARTS = st.integers(0, 10**6)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("h", "m", "s", "ms"), PARTS)))
def test_a_duration_is_the_sum_of_its_parts(parts):
    text = "".join(f"{number}{unit}" for unit, number in parts.items())
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    ordered = "".join(f"{parts[unit]}{unit}" for unit in units if unit in parts)
    if not parts or text != ordered:
        with pytest.raises(ValueError, match="no duration"):
            seconds_of("it", text)
    if parts:
        expected = sum(parts[unit] * units[unit] for unit in parts)
        assert seconds_of("it", ordered) == pytest.approx(expected)


@given(st.floats(0, 1e9))
def test_a_number_is_seconds(number):
    assert seconds_of("it", number) == number == seconds_of("it", repr(number))


@given(
    st.one_of(
        st.floats(max_value=-1e-9),
        st.sampled_from(
            [float("nan"), float("inf"), 10**400, True, None, [], b"1s", "", "s", "1x"]
            + ["1 s", "1s1s", "1s1h", "1e", "-1s", "inf", "nan", "-1", "1..5s", "٣s"]
        ),
    )
)
def test_what_is_no_duration_is_named(wrong):
    with pytest.raises(ValueError) as caught:
        seconds_of("start_after", wrong)
    message = str(caught.value)
    assert message.startswith(f"start_after: {wrong!r}") and "1h30m" in message


@pytest.mark.parametrize(
    "asked, says",
    [
        ({}, "nothing is asked for"),
        ({"every": 1}, "every and for_ go together"),
        ({"for_": 1}, "every and for_ go together"),
        ({"every": 1, "for_": 1}, "shorter than every"),
        ({"every": 1, "for_": "0s"}, "longer than nothing"),
        ({"stop_after": 0}, "stop_after must be longer"),
        ({"max_calls": 0}, "max_calls must be"),
        ({"max_calls": 2.5}, "max_calls must be"),
        ({"start_after": "soon"}, "start_after: 'soon'"),
    ],
)
def test_contradictions_are_refused(asked, says):
    profiler = fastprof.Profiler()
    with pytest.raises(ValueError, match=says):
        profiler.schedule(**asked)
    assert not profiler.enabled


def test_one_thread_has_no_windows():
    with pytest.raises(ValueError, match="all threads"):
        fastprof.Profile().schedule(stop_after=1)
    with pytest.raises(ValueError, match="all threads"):
        fastprof.Profiler(threads="current").schedule(stop_after=1)


# Windows.


def test_windows_come_and_go(profiler):
    made = in_gaps = 0
    with profiler.schedule(every="40ms", for_="10ms") as windows:
        while profiler.spans[0] < 4:
            made += wait_until(lambda: not profiler.enabled)
            spans, before = profiler.spans[0], profiler.count_calls()
            leaves(10)
            after = profiler.count_calls()
            if (profiler.enabled, profiler.spans[0]) == (False, spans):
                assert after == before
                in_gaps += 1
            made += 10 + wait_until(lambda: profiler.enabled)
    assert windows.has_ended and not profiler.enabled and in_gaps
    stats = profiler.snapshot()
    recorded = stats.info["windows"]
    assert recorded["count"] >= 4
    assert 0.0 < recorded["recorded"] < recorded["elapsed"]
    assert 0 < stats[leaf].calls < made


def test_what_is_called_next_is_the_first_call(profiler):
    windows = profiler.schedule(stop_after="1h")
    leaf()
    profiler.disable()
    assert [one.qualname for one in profiler.snapshot().functions] == ["leaf"]
    windows.end()


def test_it_begins_later(profiler):
    with profiler.schedule(start_after="20ms"):
        assert profiler.spans[0] == 0 and not profiler.enabled
        leaves(10)
        wait_until(lambda: profiler.enabled, lambda: time.sleep(0.001))
        leaves(3)
    assert 0 < calls_of(profiler, leaf) <= 3
    assert len(profiler.snapshot().threads) == 1  # not the one that enabled


def test_it_stops_for_good(profiler):
    windows = profiler.schedule(every=0.02, for_=0.01, stop_after=0.1)
    wait_until(lambda: windows.has_ended)
    spans = profiler.spans
    assert not profiler.enabled
    time.sleep(0.05)
    assert profiler.spans == spans
    with profiler:  # is the program's own again
        windows.end()
        assert profiler.enabled


def test_it_stops_after_so_many_calls(profiler):
    windows = profiler.schedule(max_calls=1000)
    wait_until(lambda: not profiler.enabled)
    assert windows.has_ended
    assert profiler.count_calls() >= 1000


def test_a_second_schedule_waits_for_the_end_of_the_first(profiler):
    with profiler.schedule(start_after="1h"):
        with pytest.raises(ValueError, match="has windows already"):
            profiler.schedule(stop_after=1)
    with profiler.schedule(stop_after="1h"):
        assert profiler.enabled


def test_the_program_may_enable_and_disable_meanwhile(profiler):
    with profiler.schedule(every="30ms", for_="15ms"):
        for _ in range(5):
            profiler.disable()
            leaf()
            if not profiler.enabled:
                try:
                    profiler.enable()
                except fastprof.ProfilerConflictError:
                    pass  # a window has just begun
            leaf()
        spans = profiler.spans[0]
        wait_until(lambda: profiler.spans[0] > spans + 2)
    assert not profiler.enabled


def test_a_profiler_that_records_already_goes_on(profiler):
    with profiler, profiler.schedule(stop_after="1h"):
        leaf()
    assert not profiler.enabled
    assert calls_of(profiler, leaf) == 1


def test_a_window_that_cannot_begin_is_told_of_once(foreign_profiler, capfd):
    profiler = fastprof.Profiler()
    with foreign_profiler():
        with pytest.raises(fastprof.ProfilerConflictError):
            profiler.schedule(stop_after=1)
        windows = profiler.schedule(start_after="1ms", every="4ms", for_="2ms")
        wait_until(lambda: windows.error is not None)
        first = windows.error
        wait_until(lambda: windows.error is not first)
    assert isinstance(first, fastprof.ProfilerConflictError)
    wait_until(lambda: profiler.count_calls() > 100)  # of what waits, too
    windows.end()
    assert calls_of(profiler, leaf) > 0
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 1 and "another profiler is active" in told[0]


def test_a_profiler_that_is_dropped_has_no_more_windows():
    profiler = fastprof.Profiler()
    windows = profiler.schedule(every="4ms", for_="2ms")
    dropped = weakref.ref(profiler)
    del profiler
    wait_until(lambda: dropped() is None, lambda: time.sleep(0.001))
    windows.end()


def test_ending_twice_and_at_any_time(profiler):
    for _ in range(20):
        windows = profiler.schedule(every="2ms", for_="1ms")
        leaves(20)
        windows.end()
        windows.end()
        assert not profiler.enabled


def test_threads_beside_the_program_are_left_out_however_many(profiler):
    turns = [0, 0]

    def turn(number):
        leaf()
        turns[number] += 1
        return 0.0005

    asides = [Aside(lambda number=n: turn(number), 0.0) for n in (0, 1)]
    wait_until(lambda: min(turns) > 2, lambda: None)
    with profiler:
        done = list(turns)
        wait_until(lambda: all(turns[n] > done[n] + 5 for n in (0, 1)), list)
    for aside in asides:
        aside.end()
    assert calls_of(profiler, leaf) == 0
    assert len(profiler.snapshot().threads) == 1


@pytest.mark.parametrize("max_nodes", [2**20, 3])
def test_calls_are_counted_as_the_snapshot_has_them(profiler, max_nodes):
    one = fastprof.Profiler(max_nodes=max_nodes)
    with one:
        leaves(5)
        sorted([3, 1, 2], key=lambda number: leaf() or number)
        thread = threading.Thread(target=leaves, args=(7,))
        thread.start()
        thread.join()
    functions = one.snapshot().functions
    assert one.count_calls() == sum(
        function.calls for function in functions if function.kind != "gc"
    )


# Processes that end or fork.

PREPARE = """
import os, sys, time
import fastprof

def leaf():
    return None

profiler = fastprof.Profiler()
windows = profiler.schedule(every="10ms", for_="5ms")
while profiler.spans[0] < 3:
    leaf()
"""


def test_an_open_window_keeps_no_process_from_ending():
    run_isolated(f"{PREPARE}\nwhile not profiler.enabled: leaf()\n")
    run_isolated(f"{PREPARE}\nwhile not profiler.enabled: leaf()\nsys.exit(0)\n")


@posix
@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_has_no_more_windows():
    run_isolated(f"""
import warnings
warnings.simplefilter("ignore")
{PREPARE}
while not profiler.enabled: leaf()
child = os.fork()
if child == 0:
    spans = profiler.spans
    ok = windows.has_ended and not profiler.enabled
    time.sleep(0.05)
    windows.end()
    ok = ok and profiler.spans == spans
    again = profiler.schedule(every="10ms", for_="5ms")
    while profiler.spans[0] < spans[0] + 3: leaf()
    again.end()
    os._exit(0 if ok else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
spans = profiler.spans[0]
while profiler.spans[0] < spans + 3: leaf()
windows.end()
assert not profiler.enabled
""")


# What a profile says of them.


def test_a_profile_without_windows_says_nothing_of_them(tmp_path):
    with fastprof.Profiler() as profiler:
        leaf()
    assert "window" not in profiler.snapshot().head
    assert profiler.snapshot().info["windows"]["count"] == 1


def test_windows_are_in_files_and_heads_and_sums(profiler, tmp_path):
    for _ in range(3):
        with profiler:
            leaf()
        leaf()
    stats = profiler.snapshot()
    windows = stats.info["windows"]
    assert windows["count"] == 3 and windows["recorded"] < windows["elapsed"]
    says = (
        f"Recorded {windows['recorded']:.3f} of {windows['elapsed']:.3f} seconds, "
        "in 3 windows.\n"
    )
    assert says in stats.head and says in stats.raw.head
    stats.save(tmp_path / "a.prof")
    assert fastprof.load(tmp_path / "a.prof").info["windows"] == windows
    assert pickle.loads(pickle.dumps(stats)).info["windows"] == windows
    both = stats + stats + stats
    assert both.info["windows"] == {
        name: pytest.approx(3 * figure) for name, figure in windows.items()
    }
    assert stats.info["windows"] == windows


def test_a_sum_with_what_is_not_known_says_nothing(tmp_path):
    import cProfile

    theirs = cProfile.Profile()
    theirs.runcall(leaf)
    theirs.dump_stats(tmp_path / "theirs.prof")
    with fastprof.Profiler() as ours:
        leaf()
    both = fastprof.Stats.merge(
        [ours.snapshot().raw, fastprof.load(tmp_path / "theirs.prof").raw]
    )
    assert "windows" not in both.info and "window" not in both.head


@pytest.mark.parametrize(
    "windows", [None, 3, {}, {"count": 1}, {"count": 1, "recorded": 1, "elapsed": "x"}]
)
def test_a_file_that_says_nonsense_of_windows_is_refused(windows):
    with fastprof.Profiler() as profiler:
        leaf()
    stats = profiler.snapshot()
    stats.info["windows"] = windows
    with pytest.raises(fastprof.ProfileFileError):
        fastprof.Stats.from_bytes(stats.to_bytes())


def test_clear_forgets_windows(profiler):
    for _ in range(3):
        with profiler:
            leaf()
    profiler.clear()
    assert profiler.spans == (0, 0.0, 0.0)
    with profiler:
        profiler.clear()
        leaf()
    assert profiler.spans[0] == 1


# Toggling.


def test_toggle_from_any_thread(profiler):
    done = []

    def toggle():
        for _ in range(101):
            profiler.toggle()
        done.append(1)

    for _ in range(3):
        was = profiler.enabled
        threads = [threading.Thread(target=toggle) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert profiler.enabled is not was
    assert len(done) == 9


def test_what_is_open_when_recording_begins_or_ends(profiler):
    def numbers():
        yield 1
        yield 2
        yield 3

    kept = numbers()
    sorted([1], key=lambda _: profiler.toggle() or 0)  # on
    next(kept)
    sorted([1], key=lambda _: profiler.toggle() or 0)  # off
    next(kept)
    profiler.toggle()
    next(kept)
    leaf()
    profiler.toggle()
    stats = profiler.snapshot()
    generator = stats[numbers]
    assert (generator.calls, generator.resumes) == (1, 1)
    # The one that was open when it ended, not the one that was when it began.
    assert stats["<built-in method builtins.sorted>"].calls == 1
    assert stats[leaf].calls == 1


@posix
def test_a_signal_toggles(profiler, capfd):
    before = signal.signal(signal.SIGUSR1, lambda *event: None)
    ours = signal.getsignal(signal.SIGUSR1)
    try:
        with profiler.toggle_on("SIGUSR1"):
            for _ in range(3):
                leaves(5)
                signal.raise_signal(signal.SIGUSR1)
                wait_until(lambda: profiler.enabled)
                leaves(5)
                signal.raise_signal(signal.SIGUSR1)
                wait_until(lambda: not profiler.enabled)
        assert signal.getsignal(signal.SIGUSR1) is ours
    finally:
        signal.signal(signal.SIGUSR1, before)
    stats = profiler.snapshot()
    assert stats[leaves].calls == 3
    assert 15 <= stats[leaf].calls
    assert {one.file for one in stats.functions} <= {__file__, "~", signal.__file__} | {
        sys.modules["enum"].__file__
    }
    told = capfd.readouterr().err.splitlines()
    assert told[::2] == ["fastprof: recording"] * 3
    assert all(line.startswith("fastprof: not recording") for line in told[1::2])
    assert stats.info["windows"]["count"] == 3


@posix
def test_a_handler_of_the_program_wins(profiler):
    came = []
    first = signal.getsignal(signal.SIGUSR1)
    watch = profiler.toggle_on(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, lambda *event: came.append(1))
    theirs = signal.getsignal(signal.SIGUSR1)
    signal.raise_signal(signal.SIGUSR1)
    wait_until(lambda: came)
    assert not profiler.enabled
    watch.end()
    assert signal.getsignal(signal.SIGUSR1) is theirs
    signal.signal(signal.SIGUSR1, first)


@posix
def test_a_signal_that_comes_to_nothing_harms_nobody(foreign_profiler, capfd):
    profiler = fastprof.Profiler()
    with profiler.toggle_on("SIGUSR1") as watch:
        with foreign_profiler():
            signal.raise_signal(signal.SIGUSR1)
            leaf()
        watch.stop()
        signal.raise_signal(signal.SIGUSR1)
        leaf()
    assert not profiler.enabled
    assert "another profiler is active" in capfd.readouterr().err


@pytest.mark.parametrize(
    "wrong, says",
    [
        ("SIGNOTHING", "is no signal here"),
        ("SIG_DFL", "is no signal here"),
        ("USR1", "is no signal here"),
        ("", "is no signal here"),
        (10**6, "is no signal here"),
        (None, "is no signal here"),
        ("SIGKILL", "cannot be handled"),
        ("SIGSTOP", "cannot be handled"),
        ("SIGSEGV", "cannot be handled"),
    ],
)
@posix
def test_signals_that_cannot_be(wrong, says, tmp_path):
    profiler = fastprof.Profiler()
    with pytest.raises(ValueError, match=says):
        profiler.toggle_on(wrong)
    with pytest.raises(ValueError, match=says):
        profiler.save_on(wrong, tmp_path / "a.prof")


@posix
def test_a_signal_is_the_main_threads(tmp_path):
    raised = []

    def try_it():
        try:
            fastprof.Profiler().toggle_on("SIGUSR1")
        except ValueError as error:
            raised.append(error)

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    assert "main thread" in str(raised[0])


@posix
def test_a_handler_that_is_not_pythons_stays(monkeypatch):
    # So it is where a library that is loaded before Python has taken the signal.
    monkeypatch.setattr("_signal.getsignal", lambda number: None)
    with pytest.raises(ValueError, match="not Python's"):
        fastprof.Profiler().toggle_on("SIGUSR1")


# Looks while recording goes on.


@pytest.mark.parametrize(
    "path, expected",
    [
        ("out.prof", "out.7.prof"),
        ("a.b/out.speedscope.json", "a.b/out.7.speedscope.json"),
        ("out.json", "out.7.json"),
        ("out.pb.gz", "out.7.pb.gz"),
        ("out.x", "out.7.x"),
        ("a.b/out", "a.b/out.7"),
    ],
)
def test_the_number_stands_before_the_extension(path, expected):
    assert numbered(path, 7) == expected


@posix
def test_a_signal_writes_a_file_and_recording_goes_on(profiler, tmp_path, capfd):
    first = signal.getsignal(signal.SIGUSR2)
    with profiler.save_on("SIGUSR2", tmp_path / "out.prof"), profiler:
        for number in (1, 2, 3):
            leaves(10)
            signal.raise_signal(signal.SIGUSR2)
            wait_until((tmp_path / f"out.{number}.prof").exists)
    assert signal.getsignal(signal.SIGUSR2) is first
    looks = [fastprof.load(tmp_path / f"out.{number}.prof") for number in (1, 2, 3)]
    assert [look[leaves].calls for look in looks] == [1, 2, 3]
    for look in looks:
        assert look[leaf].calls >= 10 * look[leaves].calls
        assert not [one for one in look.functions if "fastprof" in one.file]
    assert len(capfd.readouterr().err.splitlines()) == 3


@posix
def test_a_file_that_cannot_be_written_is_told_of(profiler, tmp_path, capfd):
    folder = tmp_path / "gone"
    folder.mkdir()
    with profiler.save_on("SIGUSR2", folder / "out.prof"), profiler:
        folder.rmdir()
        signal.raise_signal(signal.SIGUSR2)
        leaf()
    assert calls_of(profiler, leaf) == 1
    assert "cannot write" in capfd.readouterr().err


@posix
def test_what_cannot_be_written_is_refused_at_once(profiler, tmp_path):
    with pytest.raises(fastprof.UnknownFormatError):
        profiler.save_on("SIGUSR2", tmp_path / "out.xyz")
    with pytest.raises(OSError):
        profiler.save_on("SIGUSR2", tmp_path / "no" / "out.prof")


# The command line.

PROGRAM = """
import os, signal, sys

def leaf():
    return None

def leaves(number):
    for _ in range(number):
        leaf()

def send(name):
    os.kill(os.getpid(), getattr(signal, name))

"""


def run_program(folder, source, *flags, status=0):
    script = folder / "program.py"
    script.write_text(PROGRAM + source)
    words = [sys.executable, "-m", "fastprof", *flags, "program.py"]
    result = subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=2 * PATIENCE,
    )
    assert result.returncode == status, result.stderr
    return result


@posix
@pytest.mark.parametrize("backend", BACKENDS)
def test_toggling_a_program(backend, tmp_path):
    flags = "--toggle", "SIGUSR1", "--backend", backend, "-o", "out.prof"
    source = """
leaves(3)
send("SIGUSR1")
leaves(20)
send("SIGUSR1")
leaves(300)
send("SIGUSR1")
leaves(1000)
"""
    result = run_program(tmp_path, source, *flags)
    told = result.stderr.splitlines()
    assert [line.split(";")[0] for line in told] == [
        "fastprof: recording",
        "fastprof: not recording",
        "fastprof: recording",
    ]
    stats = fastprof.load(tmp_path / "out.prof")
    assert stats["__main__:leaves"].calls == 2
    assert stats["__main__:leaf"].calls == 1020
    # The call that was open when it ended, and not those that were when it began.
    assert stats["__main__:send"].calls == 1
    assert names_in(stats) <= {"leaves", "leaf", "send"} | {
        name for name in names_in(stats) if name.startswith("<built-in")
    } | {"_missing_", "<lambda>"}
    assert stats.info["windows"]["count"] == 2
    assert "in 2 windows" in stats.head


@posix
def test_a_program_that_is_never_toggled_is_not_recorded(tmp_path):
    run_program(tmp_path, "leaves(3)", "--toggle", "SIGUSR1", "-o", "out.prof")
    stats = fastprof.load(tmp_path / "out.prof")
    assert stats.functions == []
    assert stats.info["windows"]["count"] == 0
    assert "in 0 windows" in stats.head


@posix
def test_a_child_of_a_toggled_program_does_not_record(tmp_path):
    source = """
child = os.fork()
if child == 0:
    send("SIGUSR1")
    leaf()
    os._exit(sys.getprofile() is not None)
assert os.waitpid(child, 0)[1] == 0
"""
    result = run_program(tmp_path, source, "--toggle", "SIGUSR1", "-o", "out.prof")
    assert result.stderr == ""


@posix
def test_snapshots_of_a_program(tmp_path):
    flags = "--snapshot", "SIGUSR2", "-o", "out.prof"
    source = """
for _ in range(3):
    leaves(10)
    send("SIGUSR2")
leaves(10)
"""
    result = run_program(tmp_path, source, *flags)
    assert len(result.stderr.splitlines()) == 3
    names = [f"out.{number}.prof" for number in (1, 2, 3)] + ["out.prof"]
    assert sorted(path.name for path in tmp_path.glob("*.prof")) == names
    calls = [fastprof.load(tmp_path / name)["__main__:leaf"].calls for name in names]
    assert calls == [10, 20, 30, 40]


@posix
def test_snapshots_are_in_the_format_of_the_file(tmp_path):
    flags = "--snapshot", "SIGUSR2", "-o", "out.collapsed"
    run_program(tmp_path, "leaves(10); send('SIGUSR2')", *flags)
    assert "leaf" in (tmp_path / "out.1.collapsed").read_text()


@pytest.mark.parametrize("backend", BACKENDS)
def test_windows_of_a_program(backend, tmp_path):
    flags = "--every", "20ms", "--for", "0.01", "--live", "-o", "out.prof"
    source = """
import fastprof
[profiler] = [one for one in fastprof.who()]
while profiler.profiler.spans[0] < 4:
    leaves(10)
"""
    run_program(tmp_path, source, "--backend", backend, *flags)
    stats = fastprof.load(tmp_path / "out.prof")
    assert stats.info["windows"]["count"] >= 4
    assert len(stats.threads) == 1
    # From the first line on.
    assert "<module>" in names_in(stats) and "leaves" in names_in(stats)


def test_a_program_that_stops_being_recorded(tmp_path):
    source = """
import fastprof
while fastprof.who():
    leaves(10)
leaves(10**5)
"""
    run_program(tmp_path, source, "--max-calls", "1000", "-o", "a.prof")
    run_program(tmp_path, source, "--stop-after", "50ms", "-o", "b.prof")
    for name in "a.prof", "b.prof":
        stats = fastprof.load(tmp_path / name)
        windows = stats.info["windows"]
        assert windows["count"] == 1 and windows["recorded"] < windows["elapsed"]


@pytest.mark.parametrize(
    "flags, says",
    [
        ("--every 10x --for 1", "--every: '10x' is no duration"),
        ("--every 10", "--every and --for go together"),
        ("--for 10", "--every and --for go together"),
        ("--every 1 --for 2s", "--for must be"),
        ("--stop-after 0", "--stop-after must be"),
        ("--max-calls 0", "--max-calls must be"),
        ("--max-calls many", "--max-calls"),
        ("--start-after 1s --threads current", "--start-after needs --threads all"),
        ("--toggle SIGUSR1 --stop-after 1s", "--toggle goes without --stop-after"),
        ("--toggle SIGNOTHING", "'SIGNOTHING' is no signal"),
        ("--toggle SIGKILL", "SIGKILL cannot be handled"),
        ("--snapshot SIGSTOP -o a.prof", "SIGSTOP cannot be handled"),
        ("--snapshot SIGUSR2", "--snapshot needs -o"),
        ("--toggle SIGUSR1 --snapshot SIGUSR1 -o a.prof", "two signals"),
        ("--as-cprofile --for 1s", "leave out --for"),
        ("--as-cprofile --toggle SIGUSR1", "leave out --toggle"),
    ],
)
@posix
def test_what_the_command_line_refuses(flags, says, tmp_path):
    result = run_program(tmp_path, "print('it runs')", *flags.split(), status=2)
    assert says in result.stderr and result.stdout == ""
    assert not list(tmp_path.glob("*.prof"))


def test_nothing_more_is_imported_where_it_is_not_asked_for(tmp_path):
    source = "print(*[name for name in sys.modules if name.startswith('fastprof')])"
    result = run_program(tmp_path, source, "-o", "out.prof")
    assert not {"fastprof.windows", "fastprof.signals"} & set(result.stdout.split())


def test_a_plan_is_what_was_asked_for():
    plan = Plan("10s", 1, "2m", "1h30m", 7)
    assert vars(plan) == {
        "every": 10.0,
        "for_": 1.0,
        "start_after": 120.0,
        "stop_after": 5400.0,
        "max_calls": 7,
    }


def test_what_switching_costs_is_printed():
    script = Path(__file__).parents[2] / "benchmarks" / "switching.py"
    result = subprocess.run(
        [sys.executable, script, "--rounds", "1"],
        capture_output=True,
        encoding="utf-8",
        timeout=2 * PATIENCE,
        check=True,
    )
    rows = [line for line in result.stdout.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 4 and rows[-1].startswith("| 10,000 | ")
