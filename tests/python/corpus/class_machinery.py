"""Class creation and instantiation: metaclasses, __new__, __init__, hooks, super."""


class Meta(type):
    @classmethod
    def __prepare__(mcs, name, bases, **options):
        return {}

    def __new__(mcs, name, bases, namespace, **options):
        return super().__new__(mcs, name, bases, namespace)

    def __init__(cls, name, bases, namespace, **options):
        super().__init__(name, bases, namespace)

    def __call__(cls, *args):
        return super().__call__(*args)

    def __instancecheck__(cls, instance):
        return super().__instancecheck__(instance)


class Named:
    def __set_name__(self, owner, name):
        self.name = name


def make_classes():
    class Base(metaclass=Meta, option=1):
        field = Named()

        def __init_subclass__(cls, **options):
            super().__init_subclass__(**options)

        def __new__(cls, *args):
            return super().__new__(cls)

        def __init__(self, *args):
            self.args = args

    class Left(Base):
        def __init__(self, *args):
            super().__init__(*args)

    class Right(Base):
        def __init__(self, *args):
            super().__init__(*args)

    class Both(Left, Right):
        def __init__(self, *args):
            super().__init__(*args)

    return Base, Both


def decorate(cls):
    cls.decorated = True
    return cls


def main():
    base, both = make_classes()
    instances = [both(i) for i in range(3)] + [base()]
    isinstance(instances[0], base)

    @decorate
    class Plain:
        def method(self):
            return self.helper() + self.static()

        @classmethod
        def helper(cls):
            return cls.static()

        @staticmethod
        def static():
            return 1

    type("Dynamic", (Plain,), {})().method()
    return Plain().method(), Plain.helper(), Plain.method(Plain())
