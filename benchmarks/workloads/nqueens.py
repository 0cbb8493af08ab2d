"""Queens on a board by backtracking, with a generator per row."""

from workloads import check

SCALE = 360

SIZE = 6


def is_free(queens, column):
    """Whether a queen in the next row and this column is attacked by none."""
    row = len(queens)
    return all(
        column != other and abs(column - other) != row - other_row
        for other_row, other in enumerate(queens)
    )


def placements(queens):
    """Yield every full board that begins with these queens."""
    if len(queens) == SIZE:
        yield queens
        return
    for column in range(SIZE):
        if is_free(queens, column):
            yield from placements((*queens, column))


def main(scale):
    """Find all boards, once per unit."""
    boards = 0
    for _ in range(scale):
        for _board in placements(()):
            boards += 1
    return check(boards, 4 * scale)
