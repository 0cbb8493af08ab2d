"""An ast.NodeVisitor over a module of the standard library."""

import ast
import textwrap
from pathlib import Path

from workloads import check

SCALE = 160

TREE = ast.parse(Path(textwrap.__file__).read_text(encoding="utf-8"))
NODES = sum(1 for _ in ast.walk(TREE))


class Survey(ast.NodeVisitor):
    """Count all nodes, and collect the names that are read or written."""

    def __init__(self):
        """Begin with nothing seen."""
        self.nodes = 0
        self.names = set()

    def generic_visit(self, node):
        """Count the node, then visit its children."""
        self.nodes += 1
        super().generic_visit(node)

    def visit_Name(self, node):
        """Remember the name."""
        self.names.add(node.id)
        self.generic_visit(node)


def main(scale):
    """Survey the module, once per unit."""
    total = 0
    for _ in range(scale):
        survey = Survey()
        survey.visit(TREE)
        check("self" in survey.names, True)
        total += survey.nodes
    return check(total, NODES * scale)
