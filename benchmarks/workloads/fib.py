"""Direct recursion and nothing else: the most calls per unit of work."""

from workloads import check

SCALE = 270


def fib(n):
    """Compute a Fibonacci number the slow way."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def main(scale):
    """Add up fib(20), once per unit."""
    return check(sum([fib(20) for _ in range(scale)]), 6765 * scale)
