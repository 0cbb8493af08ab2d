"""All workers of a Dask cluster as one profile, on real clusters of processes."""

import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import distributed
import fastprof
import fastprof.dask
import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "dask.md"
CALLS_OF_A_TASK = 7

# What workers are asked to do.


def leaf(number):
    return number + 1


def task(number):
    for _ in range(CALLS_OF_A_TASK):
        number = leaf(number)
    return number


def sleeping_task(number):
    time.sleep(0.2)
    return task(number)


def holders():
    return [(one.name, one.place) for one in fastprof.who()]


def threads():
    return [thread.name for thread in threading.enumerate()]


def leftovers(dask_worker):
    plugins = [name for name in dask_worker.plugins if "fastprof" in name]
    return plugins + list(fastprof.dask.recordings)


def listen(frame, event, argument):
    pass


def be_in_the_way():
    """As tools that hold what a profiler needs."""
    if sys.version_info < (3, 12):
        sys.setprofile(listen)
    else:
        for tool in 2, 3, 4:
            sys.monitoring.use_tool_id(tool, "another")


def be_gone():
    if sys.version_info < (3, 12):
        sys.setprofile(None)
    else:
        for tool in 2, 3, 4:
            sys.monitoring.free_tool_id(tool)


# What the tests share.


@contextmanager
def cluster_of(workers, **options):
    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=2,
            dashboard_address=":0",
            **options,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield cluster, client


@pytest.fixture(scope="module")
def three_workers():
    """A client of workers that all tests use: what one leaves behind, others find."""
    with cluster_of(3, processes=True) as (_, client):
        yield client


@pytest.fixture
def client(three_workers):
    before = three_workers.run(threads)
    yield three_workers
    assert not any(three_workers.run(holders).values())
    assert not any(three_workers.run(leftovers).values())
    for address, names in three_workers.run(threads).items():
        new = set(names) - set(before[address])  # Dask starts its own when it needs one
        assert not [one for one in new if not re.search("Dask|TCP|Profile", one)]


def work(client, tasks, function=task, **options):
    numbers = list(range(tasks))
    futures = client.map(function, numbers, pure=False, **options)
    assert client.gather(futures) == [one + CALLS_OF_A_TASK for one in numbers]


def calls(stats):
    """Of the functions of this module, by name."""
    file = task.__code__.co_filename
    return {one.name: one.calls for one in stats.functions if one.file == file}


def wait_until(is_true):
    end = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


@contextmanager
def somebody_in_the_way(client, address):
    client.run(be_in_the_way, workers=[address])
    try:
        yield
    finally:
        client.run(be_gone, workers=[address])


# The tests.


@pytest.mark.parametrize("clock", ["wall", "cpu", "both"])
def test_every_call_on_every_worker_is_counted(client, clock):
    with fastprof.dask.profile(client, clock=clock) as p:
        work(client, 300)
    assert calls(p.stats) == {"task": 300, "leaf": 300 * CALLS_OF_A_TASK}
    assert p.stats.info["measures"] == clock
    assert sorted(p.stats.info["workers"]) == sorted(client.nthreads())
    assert p.stats.info["missing"] == p.stats.warnings == []
    assert p.stats.info["merged"]["profiles"] == 3


def test_threads_that_were_there_before_are_seen_on_each_worker(client):
    work(client, 12, sleeping_task)  # all threads of the executors are there now
    with fastprof.dask.profile(client) as p:
        work(client, 6, sleeping_task)  # two for each worker, side by side
    ran = p.stats["distributed.worker:_run_task_simple"]
    assert ran.calls == p.stats[sleeping_task].calls == 6
    assert ran.cumulative >= 6 * 0.2
    assert calls(p.stats)["leaf"] == 6 * CALLS_OF_A_TASK


def test_time_on_a_cpu_is_without_sleep(client):
    with fastprof.dask.profile(client, clock="cpu") as p:
        work(client, 6, sleeping_task)
    assert p.stats[sleeping_task].calls == 6
    assert p.stats[sleeping_task].cumulative < 6 * 0.2


def test_a_second_profile_begins_from_nothing(client):
    for tasks in 20, 30:
        with fastprof.dask.profile(client) as p:
            work(client, tasks)
        assert calls(p.stats)["task"] == tasks


def test_sums_are_added_up_again(client, monkeypatch):
    monkeypatch.setattr(fastprof.dask, "FAN_IN", 2)
    with fastprof.dask.profile(client) as p:
        work(client, 30)
    assert calls(p.stats) == {"task": 30, "leaf": 30 * CALLS_OF_A_TASK}
    assert p.stats.info["merged"]["profiles"] == 3


def test_one_profile_can_be_used_again(client):
    p = fastprof.dask.profile(client)
    for tasks in 20, 30:
        with p:
            work(client, tasks)
        assert calls(p.stats)["task"] == tasks
        assert p.stats.info["missing"] == []


def test_profiles_overlap(client):
    with fastprof.dask.profile(client) as outer:
        work(client, 20)
        with fastprof.dask.profile(client, clock="cpu") as inner:
            work(client, 30)
    assert calls(outer.stats)["task"] == 50
    assert calls(inner.stats)["task"] == 30


def test_only_some_workers(client):
    chosen, *others = client.nthreads()
    with fastprof.dask.profile(client, workers=[chosen]) as p:
        work(client, 10, workers=[chosen])
        work(client, 20, workers=others)
    assert calls(p.stats)["task"] == 10
    assert p.stats.info["workers"] == [chosen]
    assert all(thread.name.startswith(chosen) for thread in p.stats.threads)


def test_the_sum_is_a_profile_like_others(client, tmp_path):
    with fastprof.dask.profile(client) as p:
        work(client, 30)
    p.stats.save(tmp_path / "cluster.prof")
    loaded = fastprof.load(tmp_path / "cluster.prof")
    assert calls(loaded) == calls(p.stats)
    assert loaded.info["workers"] == p.stats.info["workers"]
    assert calls(pickle.loads(pickle.dumps(p.stats))) == calls(p.stats)


def test_an_exception_passes_and_leaves_a_profile(client):
    with pytest.raises(KeyError, match="gone"):
        with fastprof.dask.profile(client) as p:
            work(client, 10)
            raise KeyError("gone")
    assert calls(p.stats)["task"] == 10


@pytest.mark.parametrize("at", [0, 2])
def test_a_profiler_in_the_way_is_named_and_nobody_records(client, at):
    address = sorted(client.nthreads())[at]
    with somebody_in_the_way(client, address):
        with pytest.raises(fastprof.ProfilerConflictError, match=re.escape(address)):
            with fastprof.dask.profile(client):
                pytest.fail("it has begun")
        assert not any(
            one for one in client.run(holders).values() if "Profiler" in str(one)
        )
        assert not any(client.run(leftovers).values())


def test_a_clock_that_a_worker_does_not_have_is_named():
    with cluster_of(1, processes=True, env={"FASTPROF_CLOCK": "sundial"}) as (_, other):
        with pytest.raises(fastprof.BackendError, match="worker tcp.*FASTPROF_CLOCK"):
            with fastprof.dask.profile(other):
                pytest.fail("it has begun")
        work(other, 10)


def test_what_is_wrong_is_said_before_anything_begins(client):
    with pytest.raises(ValueError, match="clock"):
        fastprof.dask.profile(client, clock="sundial")
    with pytest.raises(ValueError, match="no such workers: tcp://nowhere:1"):
        fastprof.dask.profile(client, workers=["tcp://nowhere:1"])


def test_one_worker_that_could_not_measure_does_not_spoil_the_sum(client):
    one = next(iter(client.nthreads()))
    with fastprof.dask.profile(client) as p:
        work(client, 30)
        client.run(forget_what_was_measured, workers=[one])
    assert calls(p.stats)["task"] == 30
    assert not p.stats.compensated
    assert any("could not be measured" in said for said in p.stats.warnings)


def forget_what_was_measured():
    """As on a worker that was too busy to measure what the profiler adds."""
    (recording,) = fastprof.dask.recordings.values()
    recording._stats = recording.end().raw


def test_a_worker_that_dies_is_missing_and_said_to_be():
    with cluster_of(3, processes=True) as (_, client):
        dead = sorted(client.nthreads())[0]
        with fastprof.dask.profile(client) as p:
            work(client, 10, workers=[dead])
            os.kill(client.run(os.getpid)[dead], signal.SIGKILL)
            wait_until(lambda: dead not in client.nthreads())
            others = [one for one in client.nthreads() if one != dead]
            work(client, 20, workers=others)
        assert calls(p.stats)["task"] == 20
        assert p.stats.info["missing"] == [dead]
        (said,) = p.stats.warnings
        assert said == f"not in the profile, as they should be: {dead}"


def test_a_worker_that_dies_while_profiles_are_added_up_is_left_out(monkeypatch):
    with cluster_of(3, processes=True) as (_, client):
        dead = sorted(client.nthreads())[0]
        pid = client.run(os.getpid)[dead]
        with fastprof.dask.profile(client) as p:
            work(client, 30)
            reduction = p._reduction

            def reduction_with_a_death(parts):
                if dead in (address for address, _ in parts.values()):
                    os.kill(pid, signal.SIGKILL)
                return reduction(parts)

            monkeypatch.setattr(p, "_reduction", reduction_with_a_death)
        assert dead not in p.stats.info["workers"]
        assert len(p.stats.info["workers"]) >= 2
        assert dead in p.stats.info["missing"]


def test_workers_that_join_later_are_recorded():
    with cluster_of(1, processes=True) as (cluster, client):
        first = set(client.nthreads())
        with fastprof.dask.profile(client) as p:
            cluster.scale(3)
            client.wait_for_workers(3)
            later = sorted(set(client.nthreads()) - first)
            work(client, 10, workers=later)
        assert set(p.stats.info["workers"]) == first | set(later)
        assert calls(p.stats)["task"] == 10


def test_one_that_joins_where_another_is_in_the_way_works_and_is_missing():
    with cluster_of(1, processes=True) as (cluster, client):
        first = set(client.nthreads())
        client.register_plugin(InTheWay())
        client.run(be_gone)  # where it has been set up at once
        with fastprof.dask.profile(client) as p:
            cluster.scale(2)
            client.wait_for_workers(2)
            (later,) = set(client.nthreads()) - first
            work(client, 10, workers=[later])
        assert p.stats.info["workers"] == list(first)
        assert p.stats.info["missing"] == [later]


class InTheWay(distributed.WorkerPlugin):
    def setup(self, worker):
        be_in_the_way()


def test_when_all_are_gone_it_is_an_error():
    with cluster_of(1, processes=True) as (cluster, client):
        with pytest.raises(fastprof.FastprofError, match="no worker is left"):
            with fastprof.dask.profile(client):
                cluster.scale(0)
                wait_until(lambda: not client.nthreads())


def test_workers_of_one_process_are_one_part():
    with cluster_of(2, processes=False) as (_, client):
        with fastprof.dask.profile(client) as p:
            work(client, 30)
        assert calls(p.stats)["task"] == 30
        assert len(p.stats.info["workers"]) == 1
        assert fastprof.who() == [] and not fastprof.dask.recordings


def test_an_asynchronous_client_is_refused():
    async def refused():
        with pytest.raises(ValueError, match="asynchronous"):
            fastprof.dask.profile(client)

    with cluster_of(1, processes=False) as (cluster, _):
        client = distributed.Client(cluster, asynchronous=True)
        client.sync(refused)


def test_without_distributed_it_is_said_what_to_install():
    program = (
        "import sys; sys.modules['distributed'] = None\n"
        "import fastprof\n"
        "try: import fastprof.dask\n"
        "except fastprof.MissingExtraError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "pip install 'fastprof[dask]'" in done.stdout


def test_the_example_in_the_documentation_runs(tmp_path):
    (example,) = re.findall(r"```python\n(import .*?)```", DOCUMENT.read_text(), re.S)
    (tmp_path / "example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "500 calls" in done.stdout
    loaded = fastprof.load(tmp_path / "cluster.prof")
    assert loaded["__main__:is_prime"].calls == 500
