"""speedscope's JSON, a profile for each thread.

https://github.com/jlfwong/speedscope/wiki/Importing-from-custom-sources: an "evented"
profile has an event where a frame opens and one where it closes. The tree does not say
when a call was, so each path is one long call: first what it called, the longest first,
then its own time.
"""

from ..tree import Node, full_name
from .as_json import open_object
from .frames import NANOSECONDS, children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["encode"]

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def encode(stats: "Any") -> bytes:
    """All threads, the one with the most time first."""
    frames = [_frame(one) for one in stats.tree.columns.functions]
    threads = sorted(stats.threads, key=lambda one: -one.tree.cumulative)
    document = {
        "$schema": SCHEMA,
        "exporter": f"fastprof {stats.info['fastprof']}",
        "name": " ".join(stats.info["command"]) or "fastprof",
        "activeProfileIndex": 0,
        "shared": {"frames": frames},
    }
    profiles = ",".join(_profile(one.name, one.tree) for one in threads)
    return f'{open_object(document)},"profiles":[{profiles}]}}'.encode()


def _frame(
    description: "tuple[str, int, str, str, str | None, int]",
) -> "dict[str, object]":
    file, line = description[:2]
    frame: dict[str, object] = {"name": full_name(description)}
    if file != "~":
        frame.update(file=file, line=line)
    return frame


def _profile(name: str, tree: Node) -> str:
    columns = tree.columns
    frames = range(len(columns.functions))
    opens = [f'{{"type":"O","frame":{frame},"at":' for frame in frames]
    closes = [f'{{"type":"C","frame":{frame},"at":' for frame in frames]
    ticks = [round(seconds * NANOSECONDS) for seconds in columns.own]
    for at in range(len(ticks) - 1, 0, -1):
        ticks[columns.parent[at]] += ticks[at]
    events = []
    now = 0
    # What is still to be done: a path's number to open it, its inverse to close it.
    pending = [(at, 0) for at in reversed(children(columns, 0))]
    while pending:
        at, start = pending.pop()
        if at < 0:
            now = start + ticks[-at]
            events.append(f"{closes[columns.function[-at]]}{now}}}")
            continue
        events.append(f"{opens[columns.function[at]]}{now}}}")
        pending.append((-at, now))
        pending.extend((child, 0) for child in reversed(children(columns, at)))
    head = {
        "type": "evented",
        "name": name,
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": now,
    }
    return f'{open_object(head)},"events":[{",".join(events)}]}}'
