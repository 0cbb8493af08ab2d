"""Code compiled at run time, also under a file name and line used before."""

SOURCE = """
def generated(value):
    return helper(value) + 1

result = [generated(i) for i in range({count})]
"""


def helper(value):
    return value * 2


def run_source(count):
    namespace = {"helper": helper}
    exec(SOURCE.format(count=count), namespace)
    return namespace["generated"]


def same_name_twice():
    first = compile("def f():\n    return helper(1)\n", "generated.py", "exec")
    second = compile("def f():\n    return helper(2), 0\n", "generated.py", "exec")
    functions = []
    for code in (first, second):
        namespace = {"helper": helper}
        exec(code, namespace)
        functions.append(namespace["f"])
    functions[0]()
    functions[1](), functions[1]()


def main():
    generated = run_source(2)
    other = run_source(4)
    generated(1), other(1), generated(2)
    same_name_twice()
    eval("helper(3)")
    eval("helper(value) + helper(4)", {"helper": helper, "value": 1})
    return eval(compile("[helper(i) for i in range(3)]", "<generated>", "eval"))
