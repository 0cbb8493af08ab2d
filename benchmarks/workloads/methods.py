"""Method calls: plain, inherited, overridden with super(), properties, static ones."""

from workloads import check

SCALE = 1500


class Account:
    """A balance that can be moved up and down."""

    def __init__(self, owner, cents):
        """Open the account."""
        self.owner = owner
        self._cents = cents

    @property
    def cents(self):
        """What is in the account."""
        return self._cents

    @staticmethod
    def fee(cents):
        """What it costs to move an amount."""
        return cents // 100

    def deposit(self, cents):
        """Put money in."""
        self._cents += cents

    def withdraw(self, cents):
        """Take money out, and the fee with it."""
        self._cents -= cents + self.fee(cents)

    def transfer(self, other, cents):
        """Move money to another account."""
        self.withdraw(cents)
        other.deposit(cents)


class LoggedAccount(Account):
    """An account that counts what happened to it."""

    def __init__(self, owner, cents):
        """Open the account with an empty log."""
        super().__init__(owner, cents)
        self.movements = 0

    def deposit(self, cents):
        """Put money in, and count it."""
        self.note()
        super().deposit(cents)

    def withdraw(self, cents):
        """Take money out, and count it."""
        self.note()
        super().withdraw(cents)

    def note(self):
        """Count one movement."""
        self.movements += 1


def main(scale):
    """Move 200 x 1,000 cents from one account to another and back, once per unit."""
    ours = LoggedAccount("ours", 0)
    theirs = Account("theirs", 0)
    for _ in range(scale):
        for _ in range(200):
            ours.transfer(theirs, 1000)
            theirs.transfer(ours, 1000)
    fees = 200 * 10 * scale
    result = (ours.cents, theirs.cents, ours.movements)
    return check(result, (-fees, -fees, 400 * scale))
