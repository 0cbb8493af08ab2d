"""Programs that do what is hard on a profiler end as they do without one.

Each is run plainly and under profilers of each kind; what it prints and its exit code
must be the same. It may use `profiled`, which is what is enabled meanwhile, or None.
"""

import os
import subprocess
import sys
import textwrap

import pytest

# As many lines, for tracebacks.
PLAIN = "\n\nprofiled = None\n\n"
PROFILED = """
import fastprof
profiled = fastprof.{kind}
profiled.enable()
"""
KINDS = ["Profiler()", "Profile()", "Profiler(backend='setprofile', max_nodes=4)"]
if sys.version_info >= (3, 12):
    KINDS.append("Profiler(builtins='all')")

PROGRAMS = {
    "os._exit": """
        import os
        print("before", flush=True)
        os._exit(7)
    """,
    "exit in a thread, and one that never ends": """
        import sys, threading, time
        def forever():
            while True:
                time.sleep(0.001)
        def leaves():
            sys.exit(3)
        threading.Thread(target=forever, daemon=True).start()
        thread = threading.Thread(target=leaves)
        thread.start()
        thread.join()
        print("end")
    """,
    "memory errors": """
        import sys
        def hungry(size):
            return bytearray(size)
        for _ in range(50):
            try:
                hungry(sys.maxsize)
            except MemoryError:
                pass
        try:
            raise MemoryError("own")
        except MemoryError as error:
            print(error)
    """,
    "recursion limits": """
        import sys
        def deeper(n):
            return 1 + deeper(n + 1)
        for limit in (200, 5000, 300):
            sys.setrecursionlimit(limit)
            try:
                deeper(0)
            except RecursionError:
                print("limit")
    """,
    "finalizers and weak references": """
        import gc, weakref
        log = []
        class Node:
            def __init__(self):
                self.me = self
            def __del__(self):
                log.append("del")
                raise ValueError("in __del__")
        import sys
        sys.unraisablehook = lambda error: log.append(str(error.exc_value))
        gc.disable()
        for _ in range(20):
            node = Node()
            watched = weakref.ref(node, lambda _: log.append("weak"))
            del node
            gc.collect()
        gc.enable()
        print(log)
    """,
    "signals": """
        import signal
        class Alarm(Exception):
            pass
        def handler(number, frame):
            raise Alarm
        signal.signal(signal.SIGALRM, handler)
        def busy():
            while True:
                sorted(range(50), key=lambda value: -value)
        caught = 0
        for _ in range(30):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.002)
                busy()
            except Alarm:
                caught += 1
        print(caught)
    """,
    "functions and code that die": """
        import gc
        def make(n):
            scope = {}
            exec(f"def f{n}(x):\\n return len(str(x)) + {n}", scope)
            return scope[f"f{n}"](n)
        print(sum(make(n) for n in range(500)))
        class Short:
            def method(self):
                return [].append
        for _ in range(500):
            Short().method()(1)
        gc.collect()
    """,
    "modules that are loaded again": """
        import importlib, json, json.decoder
        for _ in range(3):
            importlib.reload(json.decoder)
            importlib.reload(json)
            print(json.loads("[1, 2]"))
    """,
    "its own hooks": """
        import sys, threading
        seen = []
        def hook(frame, event, argument):
            seen.append(event)
        def called():
            pass
        before = sys.getprofile()
        sys.setprofile(hook)
        called()
        sys.setprofile(before)
        print(seen.count("call"))
        sys.settrace(lambda *event: None)
        called()
        sys.settrace(None)
    """,
    "generators left open": """
        import asyncio
        def values():
            try:
                yield 1
                yield 2
            finally:
                print("closed")
        kept = values()
        next(kept)
        async def pause(n):
            await asyncio.sleep(0)
            if n == 3:
                raise KeyError(n)
            return n
        async def main():
            print(await asyncio.gather(*map(pause, range(6)), return_exceptions=True))
            asyncio.get_running_loop().create_task(asyncio.sleep(100))
        asyncio.run(main())
    """,
    "an error that ends it": """
        def inner():
            raise LookupError("the end")
        try:
            inner()
        finally:
            print("finally")
    """,
    "children by fork": """
        import os
        def child(n):
            return n + 1
        for n in range(5):
            pid = os.fork()
            if pid == 0:
                child(n)
                os._exit(n)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """,
    "subinterpreters": """
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        import textwrap
        source = '''
        def f(n):
            return n and f(n - 1)
        f(20)
        print("inside", flush=True)
        '''
        def work():
            return sorted(map(str, range(3)))
        for _ in range(3):
            inside = interpreters.create()
            interpreters.run_string(inside, textwrap.dedent(source))
            work()
            interpreters.destroy(inside)
            print(work(), flush=True)
    """,
    "a profiler that is forgotten on another thread": """
        import threading
        def work(n):
            return n and work(n - 1)
        def forget():
            import cProfile
            if profiled is not None:
                type(profiled)().enable()
            work(5)
        for _ in range(5):
            thread = threading.Thread(target=forget)
            thread.start()
            thread.join()
        print(work(3))
    """,
    "it is switched while it is used": """
        def work(n):
            if profiled is not None:
                profiled.disable()
                profiled.snapshot_stats()
                profiled.clear()
                profiled.enable()
            return n and work(n - 1)
        print(work(50), sorted([3, 1, 2], key=work))
    """,
}


def ended(source):
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    child = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", source],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    return child.returncode, child.stdout, child.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_ends_as_without_us(program):
    source = textwrap.dedent(PROGRAMS[program])
    plain = ended(PLAIN + source)
    for kind in KINDS:
        assert ended(PROFILED.format(kind=kind) + source) == plain, kind
