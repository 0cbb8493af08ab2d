"""String formatting that calls __format__, __str__, __repr__ and lookups."""

import string


class Money:
    def __init__(self, cents):
        self.cents = cents

    def __format__(self, spec):
        return format(self.cents / 100, spec or ".2f")

    def __str__(self):
        return f"{self!r} EUR"

    def __repr__(self):
        return f"Money({self.cents!r})"


class Lookup(dict):
    def __missing__(self, key):
        return Money(len(key))


def main():
    price = Money(1250)
    f"{price} {price:.1f} {price!s} {price!r:>20}"
    template = "{0.cents} {0!r}"
    template.format(price)
    template = "%s %r %5.1f"
    template %= (price, price, 1.0)
    format(price, ".3f"), str(price), repr([price, price]), ascii(price)
    "{abc} {de:.1f}".format_map(Lookup())
    template = "%(abc)s"
    template %= Lookup()
    string.Template("$who owes $what").substitute(who="x", what=price)
    return string.Formatter().format("{0} {1!r}", price, price)
