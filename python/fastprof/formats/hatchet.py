"""What `hatchet.GraphFrame.from_json` reads: the call tree of all threads merged.

A graph of nodes by their numbers, and columns for its data frame: exclusive metrics, of
the node alone, and inclusive ones, of all below too (https://llnl-hatchet.readthedocs.io).
"""

from collections.abc import Iterable

from ..precision import PRECISIONS
from ..tree import full_name
from .as_json import dump, numbers, open_object
from .frames import children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["encode"]

# What hatchet calls the columns of the tree.
EXCLUSIVE = {"calls": "calls", "raised": "raised", "time": "own"}
INCLUSIVE = {"time (inc)": "cumulative"}
EXCLUSIVE_CPU = {"cpu": "own_cpu"}
INCLUSIVE_CPU = {"cpu (inc)": "cumulative_cpu"}


def encode(stats: "Any") -> bytes:
    """A node for each path; what nobody in the profile called has none above it."""
    columns = stats.tree.columns
    exclusive, inclusive = dict(EXCLUSIVE), dict(INCLUSIVE)
    if columns.has_cpu:
        exclusive |= EXCLUSIVE_CPU
        inclusive |= INCLUSIVE_CPU
    paths = range(1, len(columns.parent))
    function = columns.function
    frames = [
        dump({"name": full_name(one), "type": "function"}) for one in columns.functions
    ]
    nodes = ",".join(
        f'"{at}":{{"data":{frames[function[at]]},"children":{children(columns, at)}}}'
        for at in paths
    )
    data = {"node": _array(map(str, paths))}
    for name, place in {"name": 3, "module": 4, "file": 0, "line": 1}.items():
        texts = [dump(description[place]) for description in columns.functions]
        data[name] = _array(texts[number] for number in function[1:])
    precisions = [dump(PRECISIONS[number]) for number in columns.precision]
    data["precision"] = _array(precisions[number] for number in function[1:])
    for name, column in (exclusive | inclusive).items():
        data[name] = numbers(getattr(columns, column)[1:])
    frame = ",".join(f"{dump(name)}:{values}" for name, values in data.items())
    head = open_object(
        {
            "dataframe_indices": ["node"],
            "exclusive_metrics": list(exclusive),
            "inclusive_metrics": list(inclusive),
        }
    )
    return f'{head},"graph":[{{{nodes}}}],"dataframe":{{{frame}}}}}'.encode()


def _array(values: Iterable[str]) -> str:
    return f"[{','.join(values)}]"
