"""Small programs whose calls are counted twice: by cProfile and by fastprof.

Each module has a `main()` that takes nothing, can be run again and again, and from
its second run on makes the same calls every time. A module whose counts depend on
how deep the stack already is says `DEPENDS_ON_STACK_DEPTH = True`.
"""
