"""Text tables, medians, means."""

import math
import statistics

median = statistics.median


def mean(ratios):
    """Geometric, as it should be for ratios."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios and min(ratios) > 0 else float("nan")


def show(title, heading, rows):
    """Prints rows of texts in columns, the first one to the left, numbers to the right."""
    print(f"\n{title}\n")
    texts = [heading] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in texts) for i in range(len(heading))]
    for n, row in enumerate(texts):
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())
        if n == 0:
            print("  ".join("-" * width for width in widths))


def count(number):
    return f"{number:,.0f}"


def ratio(number):
    return "-" if number != number else f"{number:.2f}"
