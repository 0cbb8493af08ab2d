"""A profiler never harms the program: each of these runs in a process of its own.

What is checked is how the process ends, and that nothing of ours is on its stdout or
stderr.
"""

import textwrap

import pytest
from support import run_isolated

PRELUDE = """
import gc, os, sys, threading
import fastprof

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def calls(profile, function):
    profile.snapshot_stats()
    code = function.__code__
    key = (code.co_filename, code.co_firstlineno, code.co_name)
    return profile.stats.get(key, (0, 0))[1]

def check(condition):
    if not condition:
        os._exit(99)

profile = fastprof.{make}()
"""


@pytest.fixture(params=["Profile", "Profiler"])
def run(request):
    """Run a program after PRELUDE, with `profile` of either class."""

    def run_program(source, **expected):
        prelude = PRELUDE.format(make=request.param)
        run_isolated(prelude + textwrap.dedent(source), **expected)

    return run_program


def test_enabled_at_exit(run):
    run("""
        profile.enable()
        fib(10)
    """)


def test_enabled_at_exit_with_threads_and_exit_handlers(run):
    run("""
        import atexit
        atexit.register(fib, 5)

        class Late:
            def __del__(self):
                fib(3)

        late = Late()
        cycle = [late]
        cycle.append(cycle)
        profile.enable()
        threading.Thread(target=fib, args=(10,)).start()
        stop = threading.Event()
        threading.Thread(target=stop.wait, daemon=True).start()
        fib(10)
    """)


def test_exit_codes_are_the_programs_own(run):
    run("profile.enable(); fib(5); sys.exit(7)", returncode=7)
    run("profile.enable(); fib(5); os._exit(8)", returncode=8)


def test_uncaught_exception_has_its_usual_traceback(run):
    run(
        """
        import traceback
        sys.excepthook = lambda *error: print(traceback.extract_tb(error[2])[-1].name)
        profile.enable()
        def fails():
            raise ValueError
        fails()
        """,
        returncode=1,
        stdout="fails\n",
    )


def test_deleted_while_enabled(run):
    run("""
        profile.enable()
        fib(5)
        del profile
        fib(10)
        check(sys.getprofile() is None)
        again = fastprof.Profile()
        again.runcall(fib, 10)
        check(calls(again, fib) == 177)
    """)


def test_deleted_by_the_program_it_records(run):
    run("""
        def drop(depth):
            global profile
            if depth:
                drop(depth - 1)
                fib(3)
            else:
                del profile
                gc.collect()

        profile.enable()
        drop(5)
        fib(10)
    """)


def test_forked_child_stops_recording(run):
    run("""
        def child(status):
            fib(12)
            check(calls(profile, fib) == before)
            profile.disable()
            profile.disable()
            check(calls(profile, fib) == before)
            os._exit(status)

        profile.enable()
        fib(10)
        before = calls(profile, fib)
        pid = os.fork()
        if pid == 0:
            child(5)
        check(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5)
        fib(10)
        profile.disable()
        check(before == 177 and calls(profile, fib) == 354)
    """)


def test_forked_child_that_unwinds_through_our_finally(run):
    run(
        """
        def main():
            fib(5)
            pid = os.fork()
            if pid == 0:
                sys.exit(6)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

        code = profile.runcall(main)
        check(code == 6)
        sys.exit(code + 1)
        """,
        returncode=7,
    )


def test_forked_child_may_profile_anew(run):
    run("""
        profile.enable()
        pid = os.fork()
        if pid == 0:
            mine = fastprof.Profiler()
            mine.enable()
            thread = threading.Thread(target=fib, args=(10,))
            thread.start()
            thread.join()
            mine.disable()
            check(calls(mine, fib) == 177)
            profile.clear()
            profile.enable()
            fib(5)
            profile.disable()
            check(calls(profile, fib) == 15)
            sys.exit(0)
        check(os.waitpid(pid, 0)[1] == 0)
    """)


def test_fork_with_other_threads_running(run):
    run("""
        import warnings
        warnings.simplefilter("ignore")  # of such a fork, from 3.12 on
        stop = threading.Event()
        threads = [threading.Thread(target=stop.wait) for _ in range(4)]
        for thread in threads:
            thread.start()
        profile.enable()
        pid = os.fork()
        if pid == 0:
            fib(5)
            del profile
            gc.collect()
            os._exit(0)
        check(os.waitpid(pid, 0)[1] == 0)
        stop.set()
        for thread in threads:
            thread.join()
        profile.disable()
    """)


def test_recursion_to_the_limit(run):
    run("""
        def endless():
            endless()

        def endless_by_callback(_):
            list(map(endless_by_callback, [1]))

        profile.enable()
        for function, args in ((endless, ()), (endless_by_callback, (1,))):
            try:
                function(*args)
            except RecursionError:
                fib(3)
        profile.disable()
        check(calls(profile, fib) == 10)
        check(calls(profile, endless) > 100)
    """)


def test_very_deep_trees_are_read_and_freed(run):
    run("""
        sys.setrecursionlimit(10**6)
        threading.stack_size(512 * 2**20)

        def descend(n):
            return n and descend(n - 1)

        def main():
            with profile:
                descend(50_000)
            profile.create_stats()
            check(calls(profile, descend) == 50_001)
            profile.snapshot()

        thread = threading.Thread(target=main)
        thread.start()
        thread.join()
        profile.clear()
    """)


def test_exception_in_a_thread_is_reported_as_usual(run):
    run(
        """
        threading.excepthook = lambda args: print(args.exc_type.__name__)

        def fails():
            fib(5)
            raise LookupError

        profile.enable()
        thread = threading.Thread(target=fails)
        thread.start()
        thread.join()
        profile.disable()
        """,
        stdout="LookupError\n",
    )


def test_garbage_collection_in_the_middle(run):
    run("""
        class Cyclic:
            def __init__(self):
                self.itself = self

            def __del__(self):
                fib(3)

        gc.set_threshold(1)
        profile.enable()
        for _ in range(200):
            Cyclic()
        gc.collect()
        profile.disable()
        # One may run where the interpreter sends no events (3.12 and 3.13: a collection
        # in the middle of switching a code object's events on); cProfile misses it too.
        check(calls(profile, Cyclic.__del__) in (199, 200))
        profile.enable()
        for _ in range(20):
            # Finalisers that happen to run inside these are hidden with them.
            Cyclic()
            profile.snapshot()
            Cyclic()
            profile.getstats()
        profile.disable()
        check(calls(profile, Cyclic.__init__) == 240)
    """)


def test_generators_that_outlive_the_recording(run):
    run("""
        def numbers():
            try:
                while True:
                    yield fib(3)
            finally:
                fib(4)

        before = numbers()
        next(before)
        profile.enable()
        inside = numbers()
        next(inside)
        next(before)
        before.close()
        profile.disable()
        recorded = calls(profile, fib)
        next(inside)
        inside.close()
        check(calls(profile, fib) == recorded == 5 + 5 + 9)
        profile.enable()
        inside = numbers()
        next(inside)
        profile.clear()
        next(inside)
        del inside
        profile.disable()
        check(calls(profile, fib) == 5 + 9)
    """)


def test_enabling_and_disabling_at_different_depths(run):
    run("""
        def at_depth(n, action):
            return at_depth(n - 1, action) if n else action()

        for down in (0, 1, 7):
            for up in (7, 1, 0):
                at_depth(down, profile.enable)
                fib(5)
                at_depth(up, profile.disable)
        check(calls(profile, fib) == 9 * 15)
        check(sys.getprofile() is None)
    """)


def test_disabled_in_the_middle_of_a_callback(run):
    run("""
        def key(value):
            if value == 2:
                profile.disable()
            return value

        def main():
            sorted([1, 2, 3], key=key)
            fib(5)

        profile.enable()
        main()
        check(calls(profile, key) == 2 and calls(profile, fib) == 0)
        profile.enable()
        main()
        check(calls(profile, key) == 4 and calls(profile, main) == 2)
    """)


def test_cleared_in_the_middle_of_a_callback(run):
    run("""
        def key(value):
            if value == 2:
                profile.clear()
            return fib(value)

        profile.enable()
        sorted([1, 2, 3], key=key)
        profile.disable()
        check(calls(profile, key) == 1)
    """)


def test_program_takes_our_hook_away(run):
    run("""
        def take(n):
            if n:
                return take(n - 1)
            sys.setprofile(None)

        profile.enable()
        fib(5)
        take(5)
        fib(5)
        profile.disable()
        check(sys.getprofile() is None)
        check(calls(profile, fib) >= 15)
        profile.clear()
        profile.runcall(fib, 5)
        check(calls(profile, fib) == 15)
    """)


def test_program_puts_its_own_hook_in_our_place(run):
    run("""
        seen = []

        def hook(frame, event, arg):
            if event == "call":
                seen.append(frame.f_code.co_name)

        profile.enable()
        fib(5)
        sys.setprofile(hook)
        fib(5)
        profile.disable()
        check(sys.getprofile() is hook)
        fib(5)
        sys.setprofile(None)
        check(seen.count("fib") == 30)
    """)


def test_program_saves_and_restores_the_hook(run):
    run("""
        profile.enable()
        fib(5)
        saved = sys.getprofile()
        sys.setprofile(None)
        fib(5)
        sys.setprofile(saved)
        fib(5)
        profile.disable()
        check(calls(profile, fib) >= 15)
        del saved
    """)


def test_program_traces_at_the_same_time(run):
    run("""
        lines = []

        def trace(frame, event, arg):
            if event == "line" and frame.f_code is fib.__code__:
                lines.append(frame.f_lineno)
            return trace

        profile.enable()
        sys.settrace(trace)
        fib(5)
        sys.settrace(None)
        profile.disable()
        check(len(lines) == calls(profile, fib) == 15)
    """)


def test_timer_that_does_everything_it_should_not(run):
    run("""
        class Evil:
            def __init__(self):
                self.readings = 0

            def __call__(self):
                self.readings += 1
                fib(2)
                if self.readings % 3 == 0:
                    gc.collect()
                    other.snapshot()
                if self.readings % 5 == 0:
                    for method in (other.disable, other.clear, other.enable):
                        try:
                            method()
                        except RuntimeError:
                            errors.append(method)
                if self.readings % 7 == 0:
                    raise ValueError
                return self.readings

        errors = []
        sys.unraisablehook = lambda event: None
        other = type(profile)(timer=Evil())
        for _ in range(5):
            other.runcall(fib, 6)
            other.clear()
        check(errors)
    """)


def test_timer_that_drops_the_last_reference_to_its_profile(run):
    run("""
        def timer():
            holder.clear()
            gc.collect()
            return 1.0

        holder = []
        sys.unraisablehook = lambda event: None
        holder.append(type(profile)(timer=timer))
        holder[0].enable()
        fib(5)
        sys.setprofile(None)
    """)


def test_interpreter_that_is_run_by_exec_and_threads_that_never_end(run):
    run(
        """
        def forever():
            while True:
                fib(3)

        profile.enable()
        for _ in range(3):
            threading.Thread(target=forever, daemon=True).start()
        fib(15)
        print("end")
        sys.stdout.flush()
        """,
        stdout="end\n",
    )


def test_enabled_in_every_thread_at_exit(run):
    run("""
        profiles = []

        def serve():
            mine = fastprof.Profile()
            profiles.append(mine)
            mine.enable()
            fib(8)

        threads = [threading.Thread(target=serve) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check([calls(mine, fib) for mine in profiles] == [67] * 8)
    """)


def test_modules_of_the_profiler_may_be_dropped(run):
    run("""
        profile.enable()
        fib(5)
        for name in [name for name in sys.modules if name.startswith("fastprof")]:
            del sys.modules[name]
        del fastprof
        gc.collect()
        fib(5)
        profile.disable()
        check(calls(profile, fib) == 30)
    """)
