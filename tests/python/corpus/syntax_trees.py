"""A visitor and a transformer over a syntax tree, and compiling the result."""

import ast

SOURCE = """
def area(width, height=2):
    if width > 3:
        return width * height
    return [width + i for i in range(height)]
"""


class Names(ast.NodeVisitor):
    def __init__(self):
        self.names = []

    def visit_Name(self, node):
        self.names.append(node.id)

    def visit_FunctionDef(self, node):
        self.names.append(node.name)
        self.generic_visit(node)


class Doubler(ast.NodeTransformer):
    def visit_Constant(self, node):
        return ast.copy_location(ast.Constant(node.value * 2), node)


def main():
    tree = ast.parse(SOURCE)
    visitor = Names()
    visitor.visit(tree)
    doubled = ast.fix_missing_locations(Doubler().visit(tree))
    namespace = {}
    exec(compile(doubled, "<doubled>", "exec"), namespace)
    namespace["area"](7), namespace["area"](1)
    return ast.unparse(doubled), ast.literal_eval("[1, {'a': (2, 3)}]")
