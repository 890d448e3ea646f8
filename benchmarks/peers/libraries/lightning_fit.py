"""Lightning: a LightningModule and `Trainer.fit`."""

import logging
import warnings
from collections.abc import Sequence

import lightning
from lightning.pytorch.callbacks import LambdaCallback
from torch import Tensor, nn

from benchmarks.peers.job import Job
from benchmarks.peers.libraries.torch_loop import adam, loader, network
from benchmarks.peers.peer import Peer, Stopwatch


class Module(lightning.LightningModule):
    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job, self.network, self.seen = job, network(job), list[Tensor]()

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        inputs, targets = batch
        return nn.functional.mse_loss(self.network(inputs), targets)

    def configure_optimizers(self):
        return adam(self.job, self.parameters())


class Lightning(Peer):
    note = "DataLoader is given our batches; no logger, checkpoints or bars"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", message=".*num_workers.*")  # the rows are in memory
        self.module = Module(job)

    def losses(self, steps: int) -> Sequence[float]:
        found: list[float] = []
        self.fit(steps, LambdaCallback(on_train_batch_end=lambda *hook: found.append(hook[2]["loss"].item())))
        return found

    def train(self, steps: int, watch: Stopwatch) -> None:
        self.fit(steps, LambdaCallback(on_train_start=watch.start, on_train_end=watch.stop))

    def fit(self, steps: int, hooks: LambdaCallback) -> None:
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            devices=1,
            callbacks=[hooks],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(self.module, loader(self.job, steps))
