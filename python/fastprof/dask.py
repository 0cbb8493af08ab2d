"""The workers of a Dask cluster, profiled as one program.

Example:
    with fastprof.dask.profile(client) as p:
        client.gather(client.map(work, range(1000)))
    p.stats.save("cluster.prof")
"""

from __future__ import annotations

import contextlib
import uuid

from .errors import FastprofError, MissingExtraError
from .profiler import Profiler
from .stats import Stats

try:
    import distributed  # type: ignore[import-not-found,import-untyped,unused-ignore]
except ImportError as error:
    raise MissingExtraError(
        "fastprof.dask needs distributed: pip install 'fastprof[dask]'"
    ) from error

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Any

__all__ = ["profile"]

# How many profiles a task of the reduction adds up.
FAN_IN = 8
# What workers tell the scheduler under: the recordings that began, also of those who
# die with them.
TOPIC = "fastprof"
# Seconds until we look whether the workers are all there; then twice as many.
FIRST_LOOK = 1.0


class Recording:
    """What one process records: the workers in it share a profiler.

    Attributes:
        token: Tells it from that of a process that takes its place.
        address: Of the worker that began it.
        error: Why there is no recording.
    """

    def __init__(self, address: str, options: dict[str, Any]) -> None:
        """Begin."""
        self.token = uuid.uuid4().hex
        self.address = address
        self.workers = {address}
        self.error: FastprofError | None = None
        self._stats: Stats | None = None
        try:
            self._profiler = Profiler(**options)
            self._profiler.enable()
        except FastprofError as error:
            self.error = error

    def end(self) -> Stats:
        """Stop, and answer what was recorded; any number of times."""
        if self._stats is None:
            self._profiler.disable()
            self._stats = self._profiler.snapshot()
            self._stats.info["threads"] = [
                (ident, paths, name and f"{self.address} {name}", *when)
                for ident, paths, name, *when in self._stats.info["threads"]
            ]
        return self._stats


# Those of this process, by the names of the profiles that they are for.
recordings: dict[str, Recording] = {}


class Plugin(distributed.WorkerPlugin):  # type: ignore[misc,unused-ignore]
    """Records on every worker that has it, and on those that join later."""

    def __init__(
        self, name: str, options: dict[str, Any], workers: Collection[str] | None
    ) -> None:
        """As `profile` has them."""
        self.name = name
        self.options = options
        self.workers = workers

    def setup(self, worker: Any) -> None:
        """Begin; what is in the way is asked for later.

        An error here would end a worker that joins.
        """
        if self.workers is not None and worker.address not in self.workers:
            return
        if self.name in recordings:
            recordings[self.name].workers.add(worker.address)
            return
        recording = recordings[self.name] = Recording(worker.address, self.options)
        begun = {"profile": self.name, "token": recording.token}
        worker.log_event(TOPIC, begun | {"address": worker.address})

    def teardown(self, worker: Any) -> None:
        """Stop, with the last worker of the process."""
        recording = recordings.get(self.name)
        if recording is not None:
            recording.workers.discard(worker.address)
            if not recording.workers and recording.error is None:
                recording.end()


# What workers are asked to do.


def error_of(name: str) -> FastprofError | None:
    recording = recordings.get(name)
    return recording.error if recording is not None else None


def end(name: str) -> tuple[str, bool] | None:
    """Its token, and whether the times are compensated."""
    recording = recordings.get(name)
    if recording is None or recording.error is not None:
        return None
    return recording.token, recording.end().compensated


def part(name: str, compensated: bool) -> Stats:
    stats = recordings[name].end()
    return stats if compensated else stats.raw


def forget(name: str) -> None:
    recordings.pop(name, None)


class profile:
    """Record all workers of a running cluster, those that join meanwhile too.

    A context manager. When it ends, each worker's profile is taken on the worker, and
    they are added up by tasks on the cluster: the client gets one. That takes a free
    thread on each worker.

    Args:
        client: A `distributed.Client`.
        workers: The addresses of the workers to record; left out, all.
        **options: Those of `fastprof.Profiler`.

    Attributes:
        stats: A `fastprof.Stats`: the sum of all, when it has ended. `info["workers"]`
            has the addresses of those that are in it, `info["missing"]` (and a
            sentence in `warnings`) those of workers that were recorded and are gone.

    Raises:
        ValueError: An option has an unknown value, there is no such worker, or the
            client is an asynchronous one.
        ProfilerConflictError: Another profiler is in the way on a worker; then none
            records.
        FastprofError: At the end no worker is left that was recorded.
    """

    stats: Stats

    def __init__(
        self, client: Any, *, workers: Iterable[str] | None = None, **options: Any
    ) -> None:
        """See the class."""
        if client.asynchronous:
            raise ValueError("the client is asynchronous: its answers must be awaited")
        Profiler(**options)  # which finds out what is wrong with them
        self._client = client
        self._options = options
        self._workers = None if workers is None else list(workers)
        unknown = set(self._workers or ()) - client.nthreads().keys()
        if unknown:
            raise ValueError(f"there are no such workers: {', '.join(sorted(unknown))}")

    def __enter__(self) -> profile:
        """Begin on each worker, under a new name each time."""
        self._name = f"fastprof-{uuid.uuid4().hex}"
        plugin = Plugin(self._name, self._options, self._workers)
        try:
            self._client.register_plugin(plugin)
            for address, error in self._run(error_of).items():
                raise type(error)(f"worker {address}: {error}")
        except BaseException:
            self._end()
            self._forget()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop, and add up; an exception passes."""
        try:
            self._end()
            self._add_up()
        finally:
            self._forget()

    def _run(self, function: Callable[[str], Any]) -> dict[str, Any]:
        """What the workers answer, if they do, by their addresses."""
        answers = self._client.run(function, self._name, on_error="ignore")
        return {worker: said for worker, said in answers.items() if said is not None}

    def _end(self) -> None:
        # A worker that has just died, or never had the plugin, is no reason to stop.
        with contextlib.suppress(OSError, KeyError, distributed.TimeoutError):
            self._client.unregister_worker_plugin(self._name)

    def _forget(self) -> None:
        self._run(forget)
        forget(self._name)  # workers in this process may be gone

    def _add_up(self) -> None:
        """Set `stats`; workers that go meanwhile are left out."""
        parts = self._parts()
        while True:
            if not parts:
                raise FastprofError("no worker is left that was recorded")
            total = self._reduction(parts)
            found, left = self._await(total, parts)
            if found is not None:
                break
            total.cancel()
            parts = left
        found.info["workers"] = [address for address, _ in parts.values()]
        found.info["missing"] = self._missing(parts)
        self.stats = found

    def _parts(self) -> dict[str, tuple[str, bool]]:
        """By token: a worker that has the process's profile, and if compensated."""
        return {
            token: (address, compensated)
            for address, (token, compensated) in self._run(end).items()
        }

    def _reduction(self, parts: dict[str, tuple[str, bool]]) -> Any:
        """A future of the sum."""
        # Some with, some without what the profiler added have no sum.
        compensated = all(is_compensated for _, is_compensated in parts.values())
        submit = self._client.submit
        level = [
            submit(
                part,
                self._name,
                compensated,
                workers=[address],
                pure=False,
                priority=1,
            )
            for address, _ in parts.values()
        ]
        while len(level) > 1:
            level = [
                submit(Stats.merge, level[at : at + FAN_IN], pure=False, priority=1)
                for at in range(0, len(level), FAN_IN)
            ]
        return level[0]

    def _await(
        self, total: Any, parts: dict[str, tuple[str, bool]]
    ) -> tuple[Stats | None, dict[str, tuple[str, bool]]]:
        """The sum; None when a worker has gone, and what there is without it.

        Dask would wait for a worker that does not come back.
        """
        patience = FIRST_LOOK
        while True:
            try:
                return total.result(patience), parts
            except distributed.TimeoutError:
                left = self._parts()
            except Exception:
                left = self._parts()
                if left.keys() == parts.keys():
                    raise
            if left.keys() != parts.keys():
                return None, left
            patience *= 2

    def _missing(self, parts: Collection[str]) -> list[str]:
        begun = [event for _, event in self._client.get_events(TOPIC)]
        return [
            event["address"]
            for event in begun
            if event["profile"] == self._name and event["token"] not in parts
        ]
