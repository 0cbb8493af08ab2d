"""Threads: each call is counted once, on the thread that made it.

The programs keep count themselves: every function adds one to the tally of its thread,
without making a call for it.
"""

import _thread
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import fastprof
import pytest
from support import counts_of_stats, label


def work(tally, rounds):
    tally["work"] += 1
    for i in range(rounds):
        branch(tally, i % 4)
        if i % 5:
            tally["nested descents"] += 1
        tally["descents"] += 1
        descend(tally, i % 5)


def branch(tally, n):
    tally["branch"] += 1
    for _ in range(n):
        leaf(tally)


def leaf(tally):
    tally["leaf"] += 1


def descend(tally, n):
    tally["descend"] += 1
    if n:
        descend(tally, n - 1)


FUNCTIONS = [work, branch, leaf, descend]


def new_tally():
    names = [*(function.__name__ for function in FUNCTIONS)]
    return dict.fromkeys([*names, "descents", "nested descents"], 0)


def counted(profile):
    """What the profile shows for our functions, but for the callers of `work`."""
    profile.create_stats()
    counts = counts_of_stats(profile.stats)
    own = {f: counts[label(f)] for f in FUNCTIONS if label(f) in counts}
    if work in own:
        own[work] = own[work][:2]
    return own


def tallied(tallies):
    """The same from the tallies."""
    total = Counter()
    for tally in tallies:
        total.update(tally)
    works, branches, leaves = total["work"], total["branch"], total["leaf"]
    descents, nested = total["descents"], total["nested descents"]
    inner = total["descend"] - descents
    return {
        work: (works, works),
        branch: (branches, branches, {label(work): (branches, branches)}),
        leaf: (leaves, leaves, {label(branch): (leaves, leaves)}),
        descend: (
            descents,
            total["descend"],
            {label(work): (descents, descents), label(descend): (inner, nested)},
        ),
    }


class Waiting:
    """Threads that are inside a function when recording begins, and work when told."""

    def __init__(self, tallies, rounds=20):
        self.told = threading.Event()
        inside = threading.Barrier(len(tallies) + 1)
        self.threads = [
            threading.Thread(target=self._run, args=(inside, tally, rounds + i))
            for i, tally in enumerate(tallies)
        ]
        for thread in self.threads:
            thread.start()
        inside.wait()

    def _run(self, inside, tally, rounds):
        inside.wait()
        self.told.wait()
        work(tally, rounds)

    def finish(self):
        self.told.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture(autouse=True)
def frequent_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def run_in_threads(targets):
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def start_and_join(tallies, rounds=20):
    run_in_threads(
        [lambda t=t, n=rounds + i: work(t, n) for i, t in enumerate(tallies)]
    )


def start_raw(function, *args):
    """Start a thread without `threading`; the lock is released at its end."""
    done = _thread.allocate_lock()
    done.acquire()

    def run():
        try:
            function(*args)
        finally:
            done.release()

    _thread.start_new_thread(run, ())
    return done


def test_threads_that_run_already_are_recorded():
    tallies = [new_tally() for _ in range(4)]
    waiting = Waiting(tallies)
    with fastprof.Profiler() as profile:
        waiting.finish()
    assert counted(profile) == tallied(tallies)


def test_threads_that_start_later_are_recorded():
    tallies = [new_tally() for _ in range(4)]
    with fastprof.Profiler() as profile:
        start_and_join(tallies)
    assert counted(profile) == tallied(tallies)


def test_fifty_threads_old_and_new_and_this_one_are_recorded():
    tallies = [new_tally() for _ in range(51)]
    waiting = Waiting(tallies[:25], rounds=100)
    with fastprof.Profiler() as profile:
        waiting.told.set()
        start_and_join(tallies[25:50], rounds=100)
        work(tallies[50], 100)
        waiting.finish()
    assert counted(profile) == tallied(tallies)


def test_raw_threads_that_run_already_are_recorded():
    tally, told, inside = new_tally(), threading.Event(), threading.Event()

    def run():
        inside.set()
        told.wait()
        work(tally, 20)

    done = start_raw(run)
    inside.wait()
    with fastprof.Profiler() as profile:
        told.set()
        done.acquire()
    assert counted(profile) == tallied([tally])


def test_raw_threads_that_start_later_are_recorded():
    tallies = [new_tally() for _ in range(3)]
    with fastprof.Profiler() as profile:
        for done in [start_raw(work, tally, 20) for tally in tallies]:
            done.acquire()
    assert counted(profile) == tallied(tallies)


def test_threads_are_recorded_without_builtins():
    tallies = [new_tally() for _ in range(4)]
    waiting = Waiting(tallies[:2])
    with fastprof.Profiler(builtins=False) as profile:
        waiting.finish()
        start_and_join(tallies[2:])
    assert counted(profile) == tallied(tallies)


def test_threads_are_exact_when_the_node_budget_is_reached():
    tallies = [new_tally() for _ in range(4)]
    waiting = Waiting(tallies[:2])
    with fastprof.Profiler(max_nodes=8) as profile:
        waiting.finish()
        start_and_join(tallies[2:])
    assert counted(profile) == tallied(tallies)
    assert profile.snapshot().truncated


def test_pool_workers_are_recorded():
    tallies = [new_tally() for _ in range(16)]
    with fastprof.Profiler() as profile:
        with ThreadPoolExecutor(max_workers=3) as pool:
            list(pool.map(work, tallies, range(16)))
    assert counted(profile) == tallied(tallies)


def test_pool_started_before_is_recorded():
    tallies = [new_tally() for _ in range(8)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        barrier = threading.Barrier(2)
        list(pool.map(lambda _: barrier.wait(), range(2)))
        with fastprof.Profiler() as profile:
            list(pool.map(work, tallies, range(8)))
    assert counted(profile) == tallied(tallies)


def test_threads_started_by_threads_are_recorded():
    tallies = [new_tally() for _ in range(7)]

    def tree(index):
        work(tallies[index], 10)
        children = [i for i in (2 * index + 1, 2 * index + 2) if i < len(tallies)]
        run_in_threads([lambda i=i: tree(i) for i in children])

    with fastprof.Profiler() as profile:
        tree(0)
    assert counted(profile) == tallied(tallies)


def test_thread_started_by_a_thread_that_ran_already_is_recorded():
    tally, told = new_tally(), threading.Event()

    def parent():
        told.wait()
        start_and_join([tally])

    thread = threading.Thread(target=parent)
    thread.start()
    with fastprof.Profiler() as profile:
        told.set()
        thread.join()
    assert counted(profile) == tallied([tally])


def test_thread_that_dies_of_an_exception_keeps_its_counts(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    tally = new_tally()

    def fail():
        work(tally, 10)
        raise ValueError

    with fastprof.Profiler() as profile:
        run_in_threads([fail])
        profile.clear()
        tally = new_tally()
        run_in_threads([fail])
    assert counted(profile) == tallied([tally])


def test_open_calls_of_other_threads_count_as_finished_at_disable():
    held, release = threading.Event(), threading.Event()
    tally = new_tally()

    def hold():
        work(tally, 10)
        held.set()
        release.wait()
        work(new_tally(), 10)

    profile = fastprof.Profiler()
    profile.enable()
    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    held.wait()
    profile.disable()
    release.set()
    thread.join()
    assert counted(profile) == tallied([tally])
    assert counts_of_stats(profile.stats)[label(hold)][:2] == (1, 1)


def test_calls_left_open_by_one_span_are_not_left_in_the_next():
    held, release = threading.Event(), threading.Event()
    tally = new_tally()

    def hold(depth):
        if depth:
            return hold(depth - 1)
        held.set()
        release.wait()
        work(tally, 10)

    profile = fastprof.Profiler()
    profile.enable()
    thread = threading.Thread(target=hold, args=(3,))
    thread.start()
    held.wait()
    profile.disable()
    profile.enable()
    release.set()
    thread.join()
    profile.disable()
    assert counted(profile) == tallied([tally])
    assert counts_of_stats(profile.stats)[label(hold)][:2] == (1, 4)


def test_recursion_is_judged_thread_by_thread():
    # Both threads are inside meet() at once, but neither inside itself.
    barrier = threading.Barrier(2)

    def meet():
        barrier.wait()

    with fastprof.Profiler() as profile:
        run_in_threads([meet, meet])
    profile.create_stats()
    assert counts_of_stats(profile.stats)[label(meet)][:2] == (2, 2)


def test_profile_records_its_own_thread_only():
    ours, others = new_tally(), [new_tally() for _ in range(4)]
    waiting = Waiting(others[:2])
    with fastprof.Profile() as profile:
        work(ours, 20)
        waiting.finish()
        start_and_join(others[2:])
        work(ours, 20)
    assert counted(profile) == tallied([ours])


def test_current_thread_option_is_what_profile_does():
    ours, other = new_tally(), new_tally()
    with fastprof.Profiler(threads="current") as profile:
        start_and_join([other])
        work(ours, 20)
    assert counted(profile) == tallied([ours])


def test_all_threads_option_works_on_profile():
    tallies = [new_tally() for _ in range(2)]
    with fastprof.Profile(threads="all") as profile:
        start_and_join(tallies)
    assert counted(profile) == tallied(tallies)


def test_one_profile_per_thread_at_once():
    tallies = [new_tally() for _ in range(6)]
    profiles = [fastprof.Profile() for _ in tallies]
    barrier = threading.Barrier(len(tallies))

    def serve(profile, tally, rounds):
        work(new_tally(), 5)
        profile.enable()
        barrier.wait()
        work(tally, rounds)
        barrier.wait()
        profile.disable()
        work(new_tally(), 5)

    run_in_threads(
        [
            lambda p=p, t=t, n=10 * i: serve(p, t, n)
            for i, (p, t) in enumerate(zip(profiles, tallies, strict=True), 1)
        ]
    )
    for profile, tally in zip(profiles, tallies, strict=True):
        assert counted(profile) == tallied([tally])


def test_profile_beside_a_profiler_of_all_threads():
    ours, other = new_tally(), new_tally()
    with fastprof.Profiler() as everything, fastprof.Profile() as mine:
        start_and_join([other])
        work(ours, 20)
    assert counted(mine) == tallied([ours])
    assert counted(everything) == tallied([ours, other])


@pytest.mark.parametrize("make", [fastprof.Profile, fastprof.Profiler])
def test_disabling_on_another_thread(make):
    profile, tally = make(), new_tally()
    enabled, disabled = threading.Event(), threading.Event()

    def run():
        profile.enable()
        work(tally, 20)
        enabled.set()
        disabled.wait()
        work(new_tally(), 20)

    thread = threading.Thread(target=run)
    thread.start()
    enabled.wait()
    profile.disable()
    disabled.set()
    thread.join()
    assert counted(profile) == tallied([tally])


def test_profile_enabled_on_a_second_thread_records_that_one():
    profile, tallies = fastprof.Profile(), [new_tally() for _ in range(3)]

    def serve(tally):
        with profile:
            work(tally, 20)
        work(new_tally(), 20)

    for tally in tallies:
        run_in_threads([lambda t=tally: serve(t)])
    assert counted(profile) == tallied(tallies)


def test_snapshots_while_other_threads_run():
    tallies = [new_tally() for _ in range(4)]
    seen = []
    with fastprof.Profiler() as profile:
        threads = [threading.Thread(target=work, args=(t, 500)) for t in tallies]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            key = label(leaf)
            seen.append(profile.snapshot().stats.get(key, (0, 0))[1])
        for thread in threads:
            thread.join()
    assert seen == sorted(seen)
    assert counted(profile) == tallied(tallies)


class Hook:
    """A profile function that notes the names of the functions it sees called."""

    def __init__(self):
        self.calls = Counter()

    def __call__(self, frame, event, arg):
        if event == "call":
            self.calls[frame.f_code.co_name] += 1

    def saw(self, tally):
        own = {function.__name__ for function in FUNCTIONS}
        return {n: self.calls[n] for n in own} == {n: tally[n] for n in own}


def test_hook_that_a_thread_sets_itself_is_undisturbed():
    hook, tallies = Hook(), [new_tally() for _ in range(2)]
    observed = []

    def run():
        sys.setprofile(hook)
        work(tallies[0], 20)
        observed.append(sys.getprofile())
        sys.setprofile(None)
        work(new_tally(), 20)

    with fastprof.Profiler() as profile:
        run_in_threads([run])
        work(tallies[1], 20)
    assert hook.saw(tallies[0])
    assert observed == [hook]
    # What is seen of a thread once the program has taken it over is not promised.
    assert counted(profile)[leaf][1] >= tallies[1]["leaf"]


def test_hook_that_a_thread_sets_survives_our_disable():
    hook, tally = Hook(), new_tally()
    hooked, disabled = threading.Event(), threading.Event()
    observed = []

    def run():
        sys.setprofile(hook)
        hooked.set()
        disabled.wait()
        work(tally, 20)
        observed.append(sys.getprofile())

    profile = fastprof.Profiler()
    profile.enable()
    thread = threading.Thread(target=run)
    thread.start()
    hooked.wait()
    profile.disable()
    disabled.set()
    thread.join()
    assert hook.saw(tally)
    assert observed == [hook]


@pytest.mark.parametrize("before", [True, False])
def test_threading_setprofile_of_the_program_is_undisturbed(before):
    hook, tally, ours = Hook(), new_tally(), new_tally()
    profile = fastprof.Profiler()
    try:
        if before:
            threading.setprofile(hook)
        profile.enable()
        if not before:
            threading.setprofile(hook)
        start_and_join([tally])
        work(ours, 20)
        profile.disable()
        assert threading._profile_hook is hook
    finally:
        threading.setprofile(None)
    assert hook.saw(tally)
    assert counted(profile)[leaf][1] >= ours["leaf"]


@pytest.mark.parametrize("make", [fastprof.Profile, fastprof.Profiler])
def test_hook_of_another_thread_is_left_alone(make):
    hook, tally, ours = Hook(), new_tally(), new_tally()
    hooked, told = threading.Event(), threading.Event()

    def run():
        sys.setprofile(hook)
        hooked.set()
        told.wait()
        work(tally, 20)

    thread = threading.Thread(target=run)
    thread.start()
    hooked.wait()
    profile = make(backend="setprofile")
    try:
        if make is fastprof.Profiler:
            with pytest.raises(fastprof.ProfilerConflictError):
                profile.enable()
        else:
            profile.enable()
            work(ours, 20)
    finally:
        profile.disable()
        told.set()
        thread.join()
    assert hook.saw(tally)
    if make is fastprof.Profile:
        assert counted(profile) == tallied([ours])


def test_threads_are_named_by_their_idents():
    """A thread's state is made before the thread: it used to have another's ident."""
    idents = [threading.get_ident()]
    barrier = threading.Barrier(3)

    def work():
        idents.append(threading.get_ident())
        barrier.wait()  # all alive at once, so that no ident is used twice

    with fastprof.Profiler() as profiler:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    recorded = [ident for ident, *_ in profiler.snapshot().info["threads"]]
    assert recorded[0] == idents[0]
    assert sorted(recorded) == sorted(idents)


def test_a_new_thread_with_a_hook_of_its_own_is_told():
    """Nothing of ours is put in its place; the profile says that it has not all."""
    ready, go_on = threading.Event(), threading.Event()

    def work():
        sys.setprofile(lambda *event: None)
        ready.set()
        go_on.wait()
        sys.setprofile(None)

    with fastprof.Profiler(backend="setprofile") as profiler:
        thread = threading.Thread(target=work)
        thread.start()
        ready.wait()
        other = threading.Thread(target=lambda: None)
        other.start()
        other.join()
        go_on.set()
        thread.join()
    info = profiler.snapshot().info
    assert info["threads_lost"] and not info["hook_lost"]


def test_many_threads_one_after_the_other():
    """What only recording needs is given back when a thread ends."""

    def work():
        len("abc")

    with fastprof.Profiler() as profiler:
        for _ in range(300):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    stats = profiler.snapshot().stats
    (counts,) = [v[:2] for k, v in stats.items() if k[2] == "work"]
    assert counts == (300, 300)
    assert len(profiler.snapshot().info["threads"]) == 301
    profiler.clear()
    assert profiler.snapshot().stats == {}


def test_a_profiler_whose_threads_have_ended_cannot_be_made_anew():
    """It has recorded, although no thread of it is left."""
    profile = fastprof.Profile()

    def work():
        profile.enable()
        len("abc")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    profile.disable()
    with pytest.raises(RuntimeError, match="recorded"):
        profile.__init__(max_nodes=1)
