"""Which tensors a mistake may touch: one alone, those of a kind, or all."""

from collections.abc import Iterator

from parity.contract import Arrays


def groups(tensors: Arrays) -> Iterator[tuple[list[str], str]]:
    """Names, and what to call them."""
    if len(tensors) > 1:
        yield list(tensors), "every tensor"
    for kind in ("kernel", "bias", "scale"):
        names = [name for name in tensors if name.endswith(kind)]
        if 1 < len(names) < len(tensors):
            yield names, f"every {kind}"
    beside = [name for name in tensors if not name.endswith("kernel")]
    if 1 < len(beside) < len(tensors) and any(not name.endswith("bias") for name in beside):
        yield beside, "every tensor but the kernels"
    yield from (([name], name) for name in tensors)
