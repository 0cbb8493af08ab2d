"""Methods of str, bytes, list, dict, set and tuple, bound and unbound."""


def words(text):
    return [word.strip().lower() for word in text.split(",")]


def main():
    words("One, Two ,THREE")
    (
        "-".join(["a", "b"]),
        "a b".partition(" "),
        "abc".replace("a", "x"),
        "x".encode("ascii"),
    )
    b"abc".decode(), b"ab".hex(), bytearray(b"ab").extend(b"cd")
    "abc".startswith("a"), "{:>5}".format("a"), f"{'a'!r:>5}"
    upper = "abc".upper
    upper(), upper(), str.upper("x"), str.join(",", ["a"])

    values = [3, 1, 2]
    values.append(4), values.sort(), values.index(3), values.pop(), values.copy()
    list.append(values, 5), values.extend(range(2)), values.reverse()

    table = {"a": 1}
    table.get("a"), table.setdefault("b", 2), table.update(c=3), table.pop("a")
    list(table.items()), list(table.keys()), dict.get(table, "c")

    group = {1, 2}
    group.add(3), group.union([4]), group.discard(9), {1}.issubset(group)
    return (1, 2, 1).count(1), (1, 2).index(2)
