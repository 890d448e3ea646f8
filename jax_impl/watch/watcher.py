"""The contract's watcher: puts the hooks in, and makes a recording of what they saw."""

from jax_impl.watch.hooks import Hooks
from jax_impl.watch.replay import replay
from jax_impl.watch.session import Session
from jax_impl.watch.summary import summarise
from parity.contract import InputError, Recording, Replay, Replayed, require


class Watcher:
    framework = "jax"

    def __init__(self) -> None:
        self._session = Session()
        self._hooks = Hooks(self._session)

    def start(self) -> None:
        self._session.on = True
        self._hooks.put_all()

    def stop(self) -> Recording:
        self._session.on = False
        self._hooks.take_out()
        return summarise(self._session)

    def replay(self, training: int, plan: Replay) -> Replayed:
        lines = self._session.lines
        require(0 <= training < len(lines), f"There is no training {training!r}; expected less than {len(lines)}.")
        line = lines[training]
        state = line.final_state() if plan.trained else line.state
        if line.module is None or state is None:
            raise InputError("This network was not captured; only NNX modules can be trained again.")
        return replay(line.module, state, plan)
