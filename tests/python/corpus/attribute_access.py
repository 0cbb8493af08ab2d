"""Attributes that are computed: properties, descriptors, __getattr__ and its kin."""


class Celsius:
    def __init__(self, degrees):
        self._degrees = degrees

    @property
    def degrees(self):
        return self._degrees

    @degrees.setter
    def degrees(self, value):
        self._degrees = check(value)

    @degrees.deleter
    def degrees(self):
        self._degrees = 0


class Descriptor:
    def __get__(self, instance, owner):
        return check(1)

    def __set__(self, instance, value):
        check(value)

    def __delete__(self, instance):
        check(0)


class Dynamic:
    field = Descriptor()

    def __getattr__(self, name):
        if name.startswith("no_"):
            raise AttributeError(name)
        return check(len(name))

    def __setattr__(self, name, value):
        object.__setattr__(self, name, check(value))

    def __delattr__(self, name):
        check(name)

    def __dir__(self):
        return ["field"]


class Watched:
    def __init__(self):
        self.value = 1

    def __getattribute__(self, name):
        return super().__getattribute__(name)


def check(value):
    return value


def main():
    celsius = Celsius(10)
    celsius.degrees = celsius.degrees + 1
    del celsius.degrees

    dynamic = Dynamic()
    dynamic.plain = dynamic.missing
    dynamic.field = (dynamic.plain, dynamic.field)
    del dynamic.field
    del dynamic.missing
    dir(dynamic)
    hasattr(dynamic, "no_such"), getattr(dynamic, "no_such", check(0))
    for name in ("field", "other"):
        setattr(dynamic, name, getattr(dynamic, name))

    watched = Watched()
    return watched.value, hasattr(watched, "nothing")
