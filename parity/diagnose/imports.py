"""Being told when a program imports a module, so that nothing is imported for it."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType


class Announcer(MetaPathFinder):
    """Calls `imported(name)` behind the first import of each of these modules, outermost first.

    A module that is imported while another of the same group is comes with that one: a half-imported package is of no use.
    """

    def __init__(self, groups: Mapping[str, Sequence[str]], imported: Callable[[str], None]) -> None:
        self.groups = {module: group for group, modules in groups.items() for module in modules}
        self.imported = imported
        self.depth: dict[str, int] = {}
        self.announced: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        group = self.groups.pop(name, None)
        if group is None:
            return None
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Telling(spec.loader, self, group)
        return spec

    def begin(self, group: str) -> None:
        """A module of the group is being imported."""
        self.depth[group] = self.depth.get(group, 0) + 1

    def end(self, group: str) -> None:
        """It is there."""
        self.depth[group] -= 1
        if not self.depth[group] and group not in self.announced:
            self.announced.add(group)
            self.imported(group)


class _Telling(Loader):
    def __init__(self, loader: Loader, announcer: Announcer, group: str) -> None:
        self.loader, self.announcer, self.group = loader, announcer, group

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.announcer.begin(self.group)
        try:
            self.loader.exec_module(module)
        finally:
            if module.__spec__ is not None:
                module.__spec__.loader = self.loader
            module.__loader__ = self.loader
            self.announcer.end(self.group)

    def __getattr__(self, name: str) -> object:
        return getattr(self.loader, name)


def announce(groups: Mapping[str, Sequence[str]], imported: Callable[[str], None]) -> Announcer:
    """Begin; what is imported already is told at once."""
    announcer = Announcer({}, imported)
    for group, modules in groups.items():
        if any(module in sys.modules for module in modules):
            announcer.announced.add(group)
            imported(group)
        else:
            announcer.groups.update(dict.fromkeys(modules, group))
    sys.meta_path.insert(0, announcer)
    return announcer
