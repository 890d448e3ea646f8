"""What the machine was like while something was timed."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from parity.environment import cores_at_hand

ROOT = Path("/")


@dataclass(frozen=True)
class Conditions:
    """What stood beside a sample."""

    load: float = 0.0
    """Runnable processes of the machine in the last minute, a core; 0 where the system does not say."""
    throttled: int | None = None
    """How often the system slowed the process meanwhile, for heat or a quota; None where it does not say."""
    threads: int = 1
    """That the process computes with at most at once."""

    def marks(self) -> list[str]:
        """Why what was timed meanwhile is not to be published; none where it may be."""
        return [f"throttled: slowed for heat or a quota {self.throttled} times"] if self.throttled else []


def since(slowed: int | None) -> Conditions:
    """What this process sees now; `slowed` is what `throttled` told before."""
    now = throttled()
    return Conditions(load(), None if now is None or slowed is None else max(0, now - slowed), threads())


def together(conditions: Sequence[Conditions]) -> Conditions:
    """Those of several samples: the highest load, all that was throttled, and the most threads."""
    told = [each.throttled for each in conditions if each.throttled is not None]
    return Conditions(
        load=max(each.load for each in conditions),
        throttled=sum(told) if told else None,
        threads=max(each.threads for each in conditions),
    )


def load() -> float:
    """Runnable processes in the last minute, a core; 0 where the system does not say."""
    with suppress(AttributeError, OSError):
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    return 0.0


def threads() -> int:
    """Threads of the numerical libraries that are loaded, but no more than there are cores to run them."""
    from threadpoolctl import threadpool_info

    available = len(cores_at_hand())
    return min(available, max((library["num_threads"] for library in threadpool_info()), default=available))


def throttled(root: Path = ROOT) -> int | None:
    """How often this process has been slowed since the system began to count; None where it does not say.

    Linux counts how often a core was too hot (Documentation/ABI/testing/sysfs-devices-system-cpu), and how often the quota of
    its control group, or of one that holds it, was used up (Documentation/admin-guide/cgroup-v2.rst, `nr_throttled`).
    """
    counts = [*_too_hot(root), *_over_quota(root)]
    return sum(counts) if counts else None


def _too_hot(root: Path) -> Iterator[int]:
    for core in cores_at_hand():
        with suppress(OSError, ValueError):
            yield int(_read(root / f"sys/devices/system/cpu/cpu{core}/thermal_throttle/core_throttle_count"))


def _over_quota(root: Path) -> Iterator[int]:
    for group in _groups(root):
        with suppress(OSError, ValueError):
            counts = dict(line.split() for line in _read(group / "cpu.stat").splitlines())
            if "nr_throttled" in counts:
                yield int(counts["nr_throttled"])


def _groups(root: Path) -> Iterable[Path]:
    """The control groups of this process that share out the cores, of either version, and all that hold them."""
    with suppress(OSError, ValueError):
        for line in _read(root / "proc/self/cgroup").splitlines():
            _, controllers, name = line.split(":", maxsplit=2)
            if not controllers or "cpu" in controllers.split(","):
                group = Path(name.lstrip("/"))
                for each in (group, *group.parents):
                    yield root / "sys/fs/cgroup" / ("cpu" if controllers else "") / each


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
