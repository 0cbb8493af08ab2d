"""Profiles whose counts are not exact."""

import fastprof
from fastprof.profile_file import pack, unpack


def marked(stats, **marks):
    """The profile, as a file has it whose functions are lower bounds (1) or so."""
    details = unpack(stats.to_bytes())
    names = [name for _, _, name, *_ in details["functions"]]
    details["precision"] = bytes(marks.get(name, 0) for name in names)
    return fastprof.Stats.from_bytes(pack(stats.stats, details))
