"""Numbers as a reader takes them in."""


def short(value: float) -> str:
    """Two digits, or all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}"
