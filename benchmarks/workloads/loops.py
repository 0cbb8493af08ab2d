"""Loops and arithmetic with few calls: what a profiler should leave alone."""

from workloads import check

SCALE = 90


def primes_below(limit):
    """Count the primes with a sieve that steps by hand."""
    composite = [False] * limit
    count = 0
    for number in range(2, limit):
        if composite[number]:
            continue
        count += 1
        multiple = number * number
        while multiple < limit:
            composite[multiple] = True
            multiple += number
    return count


def collatz_steps(limit):
    """Add up the lengths of the Collatz sequences of the first numbers."""
    steps = 0
    for start in range(1, limit):
        value = start
        while value != 1:
            value = 3 * value + 1 if value & 1 else value >> 1
            steps += 1
    return steps


def main(scale):
    """Sieve up to 20,000 and follow 500 Collatz sequences, once per unit."""
    total = 0
    for _ in range(scale):
        total += primes_below(20_000) + collatz_steps(500)
    return check(total, (2262 + 26_033) * scale)
