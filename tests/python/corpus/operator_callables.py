"""Callable objects written in C that call Python methods: operator and friends."""

import contextvars
import operator
from functools import partial

LEVEL = contextvars.ContextVar("LEVEL", default=0)


class Account:
    def __init__(self, balance):
        self._balance = balance

    @property
    def balance(self):
        return self._balance

    def deposit(self, amount):
        self._balance += amount
        return self.balance

    def __getitem__(self, key):
        return self.balance + key


def in_context(level):
    LEVEL.set(level)
    return LEVEL.get()


def main():
    account = Account(10)
    operator.attrgetter("balance")(account)
    operator.itemgetter(1, 2)(account)
    operator.methodcaller("deposit", 5)(account)
    operator.getitem(account, 3), operator.contains([account], account)
    sorted([Account(2), Account(1)], key=operator.attrgetter("balance"))
    list(map(operator.methodcaller("deposit", 1), [account, account]))
    contextvars.copy_context().run(in_context, 3)
    contextvars.copy_context().run(partial(in_context, 4))
    deposit = Account.deposit
    return deposit(account, 1), account.deposit.__func__(account, 2)
