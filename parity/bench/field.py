"""What is timed: which contenders, on which networks."""

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import product

from parity import registry
from parity.contender import Contender, available_twins, expand, parse
from parity.contract import InputError, TrainingConfig
from parity.experiment import Experiment
from parity.start import Start, draw


def all_contenders(texts: Sequence[str], modes: Sequence[str] = (), dtype: str = "float32") -> list[Contender]:
    """Those asked for; where none is named, both twins on every device, in one dtype and in these modes, or in every mode."""
    if texts:
        return list(dict.fromkeys(contender for text in texts for contender in expand(parse(text))))
    backends = [registry.load(name) for name in available_twins()]
    return [
        Contender(backend.name, device, mode, dtype)
        for backend in backends
        for device, mode in product(backend.devices(), backend.modes)
        if dtype in backend.dtypes and (not modes or mode in modes)
    ]


def grid(base: Experiment, hidden: Sequence[int], batch_sizes: Sequence[int]) -> list[Experiment]:
    """The experiment with each width of its hidden layers and each batch size; its own where none is named.

    A batch larger than the rows that are trained on brings as many rows as it needs.
    """
    networks = [base]
    if hidden:
        networks = [
            replace(base, model=replace(base.model, hidden=(width,) * len(base.model.hidden))) for width in hidden
        ]
    sizes: Sequence[int | None] = batch_sizes or [base.batch_size]
    return [_with_batches(network, size) for network in networks for size in sizes]


def _with_batches(experiment: Experiment, size: int | None) -> Experiment:
    if size is None:
        return experiment
    rows = experiment.rows
    while replace(experiment, rows=rows, batch_size=None).train_rows < size:
        rows *= 2
    return replace(experiment, rows=rows, batch_size=size)


def usable(contenders: Sequence[Contender], experiment: Experiment) -> list[Contender]:
    """Those that can train this network here."""
    config = draw(experiment).config
    return [contender for contender in contenders if not unusable(contender, config)]


def unusable(contender: Contender, config: TrainingConfig) -> str:
    """Why a contender can't train this network here; empty where it can."""
    try:
        registry.load(contender.backend).trainer(
            config, device=contender.device, mode=contender.mode, dtype=contender.dtype
        )
    except InputError as error:
        return str(error)
    return ""


def network_of(experiment: Experiment) -> str:
    """A network with its loss and optimizer in words, constants and all, but for its size."""
    model = ", ".join(
        f"{each.name} {getattr(experiment.model, each.name)}"
        for each in fields(experiment.model)
        if each.name != "hidden"
    )
    return f"{type(experiment.model).__name__} ({model}), {experiment.loss}, {experiment.optimizer}"


def told(start: Start) -> str:
    """A network's size in few letters."""
    widths = (start.config.inputs, *start.config.model.hidden, start.config.outputs)
    return f"{'-'.join(map(str, widths))}, batch {start.experiment.batch_rows}"
