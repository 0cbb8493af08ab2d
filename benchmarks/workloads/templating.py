"""A small template engine: a parser to a tree of nodes, filters, a renderer."""

import re

from workloads import check

SCALE = 1800

TAG = re.compile(r"(\{%.*?%\}|\{\{.*?\}\})")
FILTERS = {"upper": str.upper, "title": str.title, "length": len}
TEMPLATE = """<h1>{{ title|upper }}</h1>
{% for row in rows %}<p>{% if row.new %}* {% end %}{{ row.name|title }}:\
{% for tag in row.tags %} {{ tag }}({{ tag|length }}){% end %}</p>
{% end %}"""
CONTEXT = {
    "title": "stock",
    "rows": [
        {"name": f"item {n}", "new": n % 2 == 0, "tags": ["red", "large"]}
        for n in range(30)
    ],
}


class Text:
    """A node that is copied to the output."""

    def __init__(self, text):
        """Keep the text."""
        self.text = text

    def render(self, context, out):
        """Write the text."""
        out.append(self.text)


class Variable:
    """A node that writes a value, filtered."""

    def __init__(self, expression):
        """Split the expression into a path and its filters."""
        path, *names = expression.split("|")
        self.path = path.split(".")
        self.filters = [FILTERS[name] for name in names]

    def value(self, context):
        """Look the value up in the context."""
        found = context
        for step in self.path:
            found = found[step]
        for apply in self.filters:
            found = apply(found)
        return found

    def render(self, context, out):
        """Write the value."""
        out.append(str(self.value(context)))


class Block:
    """A node that renders its children in order."""

    def __init__(self):
        """Begin without children."""
        self.children = []

    def render(self, context, out):
        """Render all children."""
        for child in self.children:
            child.render(context, out)


class If(Block):
    """A block that is rendered when its condition holds."""

    def __init__(self, condition):
        """Keep the condition."""
        super().__init__()
        self.condition = Variable(condition)

    def render(self, context, out):
        """Render the children, or nothing."""
        if self.condition.value(context):
            super().render(context, out)


class For(Block):
    """A block that is rendered for each item of a sequence."""

    def __init__(self, name, sequence):
        """Keep the name of the loop variable and where the items are."""
        super().__init__()
        self.name = name
        self.sequence = Variable(sequence)

    def render(self, context, out):
        """Render the children once per item."""
        for item in self.sequence.value(context):
            super().render({**context, self.name: item}, out)


def parse(source):
    """Turn a template into a tree."""
    stack = [Block()]
    for piece in TAG.split(source):
        words = piece[2:-2].split()
        if not piece.startswith("{"):
            stack[-1].children.append(Text(piece))
        elif piece.startswith("{{"):
            stack[-1].children.append(Variable(words[0]))
        elif words[0] == "end":
            stack.pop()
        else:
            block = If(words[1]) if words[0] == "if" else For(words[1], words[3])
            stack[-1].children.append(block)
            stack.append(block)
    return stack[0]


def expected_page():
    """Write the page by hand."""
    rows = "".join(
        f"<p>{'* ' if row['new'] else ''}{row['name'].title()}: red(3) large(5)</p>\n"
        for row in CONTEXT["rows"]
    )
    return f"<h1>STOCK</h1>\n{rows}"


def main(scale):
    """Parse the template and render the page, once per unit."""
    page = ""
    for _ in range(scale):
        out = []
        parse(TEMPLATE).render(CONTEXT, out)
        page = "".join(out)
    return check(page, expected_page())
