"""The command `fastprof` with a verb, such as `fastprof doctor`.

`python -m fastprof` is `fastprof run`: like `python -m cProfile` it takes what follows
for a program, not for a verb.
"""

import sys

from .errors import FastprofError

__all__ = ["main"]

BAD_INPUT = 2
FAILED = 1
USAGE = """\
Usage: fastprof VERB [ARG]...

  run        profile a program: as python -m fastprof (fastprof run --help)
  calibrate  measure what the profiler adds to times, and print it
  doctor     tell what this machine can do, and what is odd
"""


def main() -> int:
    """Do as sys.argv says; the answer is the exit code.

    Raises:
        SystemExit: The program's own.
    """
    verb, *arguments = sys.argv[1:] or [""]
    if verb == "run":
        # Only here: a program finds no more modules imported than it must.
        from .launch import main as run

        del sys.argv[1]
        return run()
    if verb in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    if verb not in ("calibrate", "doctor") or arguments:
        problem = f"no such verb: {verb!r}" if verb else "a verb is missing"
        if verb in ("calibrate", "doctor"):
            problem = f"{verb} takes no arguments"
        print(f"{USAGE}\nfastprof: {problem}", file=sys.stderr)
        return BAD_INPUT
    from . import doctor

    page = {"calibrate": doctor.costs_page, "doctor": doctor.doctor_page}[verb]
    try:
        print(page(), end="")
    except FastprofError as error:
        print(f"fastprof: {error}", file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
