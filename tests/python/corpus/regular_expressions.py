"""re: compiling afresh, iterating over matches, replacing by function and template."""

import re


def swap(match):
    return match.group(2) + match.group(1)


def main():
    re.purge()
    pattern = re.compile(r"(\w)(\w)")
    pattern.sub(swap, "abcdef", count=2), pattern.sub(r"\2-\1", "ab")
    [match.span() for match in pattern.finditer("abcd")]
    re.split(r",\s*", "a, b,c"), re.findall(r"\d+", "1 22"), re.escape("a.b")
    try:
        re.compile("(")
    except re.error:
        re.match("a", "b")
    scanner = re.Scanner([(r"\d+", lambda _, token: int(token)), (r"\s+", None)])
    return scanner.scan("1 22 3"), re.fullmatch("(?P<x>a)", "a").groupdict()
