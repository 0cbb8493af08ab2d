"""Several code objects under one label, called a different number of times."""


def apply(function, times):
    for i in range(times):
        function(i)


def helper(value):
    return value


def recursing(n):
    small, large = (lambda i: i and small(i - 1)), (lambda i: helper(i) + helper(i))
    small(n), large(n), small(n + 1)


def main():
    first, second = (lambda i: helper(i)), (lambda i: helper(i) + len("x"))
    apply(first, 5)
    apply(second, 3)
    first(0)
    recursing(3)
    return [f(1) for f in [lambda i: helper(i), lambda i: i, lambda i: helper(i)]]
