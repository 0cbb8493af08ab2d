"""The command `fastprof` with a verb, such as `fastprof report`.

`python -m fastprof` is `fastprof run`: like `python -m cProfile` it takes what follows
for a program, not for a verb.
"""

import errno
import os
import sys

from .errors import FastprofError

__all__ = ["main"]

BAD_INPUT = 2
FAILED = 1
USAGE = """\
Usage: fastprof VERB [ARG]...

  run        profile a program: as python -m fastprof (fastprof run --help)
  report     print the table of a profile's functions
  tree       print the hot paths of a profile
  export     write a profile in another format
  merge      add up profiles, of processes or runs
  diff       print what changed from a profile to another
  view       show a profile in the browser
  calibrate  measure what the profiler adds to times, and print it
  doctor     tell what this machine can do, and what is odd

fastprof VERB --help tells more of each.
"""
PAGES = "calibrate", "doctor"
ON_PROFILES = "report", "tree", "export", "merge", "diff", "view"


def main() -> int:
    """Do as sys.argv says; the answer is the exit code.

    Raises:
        SystemExit: The program's own, or arguments that cannot be understood.
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
    problem = None
    if verb not in PAGES + ON_PROFILES:
        problem = f"no such verb: {verb!r}" if verb else "a verb is missing"
    elif verb in PAGES and arguments:
        problem = f"{verb} takes no arguments"
    if problem is not None:
        print(f"{USAGE}\nfastprof: {problem}", file=sys.stderr)
        return BAD_INPUT
    try:
        status = _do(verb, arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except FastprofError as error:
        print(f"fastprof: {error}", file=sys.stderr)
        return FAILED if verb in PAGES else BAD_INPUT
    except OSError as error:
        # Shutdown would complain about what is still to be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return errno.EPIPE
        print(f"fastprof: cannot print: {error.strerror}", file=sys.stderr)
        return FAILED
    return status


def _do(verb: str, arguments: list[str]) -> int:
    if verb in ON_PROFILES:
        from .verbs import do

        return do(verb, arguments)
    from . import doctor

    page = {"calibrate": doctor.costs_page, "doctor": doctor.doctor_page}[verb]
    print(page(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
