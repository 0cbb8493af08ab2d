"""A bit of everything: records, closures, sorting by key, text, comprehensions."""

from workloads import check

SCALE = 650

WORDS = "the quick brown fox jumps over the lazy dog and runs on".split()


class Order:
    """One line of an order book."""

    def __init__(self, number, item, amount):
        """Remember what was ordered."""
        self.number = number
        self.item = item
        self.amount = amount

    def price(self, rate):
        """What the order costs at a rate per letter."""
        return self.amount * rate(self.item)

    def __lt__(self, other):
        """Order by amount, then by number."""
        return (self.amount, self.number) < (other.amount, other.number)


def make_rate(cents):
    """Make a function that prices an item."""

    def rate(item):
        return cents * len(item)

    return rate


def orders(count):
    """Make a book of orders that is in no particular order."""
    for number in range(count):
        yield Order(number, WORDS[number % len(WORDS)], number * 7919 % 101)


def summarise(book, rate):
    """Add up the prices per item and write them down."""
    totals = {}
    for order in book:
        totals.setdefault(order.item, []).append(order.price(rate))
    lines = [
        f"{item}: {sum(prices)}"
        for item, prices in sorted(totals.items(), key=lambda pair: pair[0])
    ]
    return "\n".join(lines)


def main(scale):
    """Fill, sort and sum up a book of 300 orders, once per unit."""
    rate = make_rate(3)
    total = 0
    for _ in range(scale):
        book = sorted(orders(300))
        report = summarise(book, rate)
        amounts = [int(line.rpartition(" ")[2]) for line in report.split("\n")]
        total += sum(amounts)
    expected = sum(order.price(rate) for order in orders(300))
    return check(total, expected * scale)
