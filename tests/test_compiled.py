"""What is compiled is kept: a second run compiles nothing and is the same, and no file in the folder can end a run."""

import os
import subprocess
import sys
import zlib
from dataclasses import replace

import pytest
from command import environment

from parity import compiled
from parity.contender import Contender
from parity.contract import MLP
from parity.problems import recipe
from parity.start import draw
from parity.throughput.measure import measure

# Prints how many programs were compiled, how many found, and the SHA-256 of what a run recorded.
RUN = """
from dataclasses import replace
from hashlib import sha256
from parity import registry, run
from parity.contract import MLP
from parity.problems import recipe
registry.load("jax")
import jax
seen = []
jax.monitoring.register_event_listener(lambda event, **_: seen.append(event.rpartition("/")[2]))
base = recipe("polar")
base = replace(base, rows=60, epochs=3, batch_size=16, model=MLP((4,), "tanh"))
result = run(replace(base, contender=("jax:flat:float32",), reference="jax:scan"), throughput=False)
told = sha256()
for name, history in result.histories.items():
    for array in (history.losses, history.predictions, *history.final.named().values()):
        told.update(array.tobytes())
print(seen.count("cache_misses"), seen.count("cache_hits"), told.hexdigest())
"""


def told(folder):
    """What RUN prints with this folder; nothing may be said beside it, not even where files are damaged."""
    variables = {name: value for name, value in environment(PARITY_CACHE=str(folder)).items() if name not in OWN}
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN], env=variables, capture_output=True, text=True, check=False
    )
    assert process.stderr == ""
    misses, hits, digest = process.stdout.split()
    return int(misses), int(hits), digest


OWN = (compiled.JAX, compiled.TORCH, *compiled.EVERY_PROGRAM, *compiled.COLD)


def test_a_second_run_compiles_nothing_and_is_the_same_bit_for_bit(tmp_path):
    cold_misses, _, cold = told(tmp_path)
    assert cold_misses > 10
    misses, hits, warm = told(tmp_path)
    assert (misses, warm) == (0, cold)
    assert hits >= cold_misses
    entries = sorted((tmp_path / "compiled").glob("jax-*/*-cache"))
    for number, entry in enumerate(entries):
        os.truncate(entry, entry.stat().st_size // 2 if number % 2 else 0)
    misses, _, mended = told(tmp_path)
    assert misses == len(entries)
    assert mended == cold


# Trains one network after the other in PyTorch's mode `flat`, and prints how many files each has added.
NETWORKS = """
import sys
from dataclasses import replace
from parity import registry
from parity.compiled import files_kept, keep_compiled
from parity.contract import MLP
from parity.problems import recipe
from parity.start import draw
keep_compiled()
for batch in map(int, sys.argv[1:]):
    start = draw(replace(recipe("polar"), rows=60, epochs=2, batch_size=batch, model=MLP((4,), "tanh")))
    trainer = registry.load("torch").trainer(start.config, device="cpu", mode="flat", dtype="float32")
    state, train, _ = start.cast("float32")
    trainer.set_state(state)
    before = files_kept()
    trainer.fit(train, start.order)
    print(files_kept() - before)
"""


def added(folder, *batches):
    """What NETWORKS prints with this folder."""
    variables = {name: value for name, value in environment(PARITY_CACHE=str(folder)).items() if name not in OWN}
    line = [sys.executable, "-c", NETWORKS, *map(str, batches)]
    process = subprocess.run(line, env=variables, capture_output=True, text=True, check=True)
    return list(map(int, process.stdout.split()))


def test_what_is_compiled_does_not_depend_on_what_was_compiled_before(tmp_path):
    assert all(files > 0 for files in added(tmp_path, 16, 20))
    assert added(tmp_path, 20) == [0]


@pytest.fixture
def own(monkeypatch, tmp_path):
    """A cache folder of the test's own, and no variable set that a framework would read."""
    for name in OWN:
        # Set first, so that what the test leaves in its place goes with it.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path))
    return tmp_path / "compiled"


def test_both_frameworks_are_told_of_a_folder(own):
    compiled.keep_compiled()
    for variable in (compiled.JAX, compiled.TORCH):
        assert os.path.isdir(os.environ[variable])
        assert os.path.dirname(os.environ[variable]) == str(own)
    assert compiled.is_kept()


def test_what_a_user_has_set_stays(own, monkeypatch):
    mine = {compiled.JAX: "mine", compiled.TORCH: "my own", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "5"}
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    compiled.keep_compiled()
    assert {name: os.environ[name] for name in mine} == mine
    assert not own.exists()


def test_a_folder_that_cannot_be_written_is_done_without(own, monkeypatch):
    own.parent.joinpath("file").write_text("")
    monkeypatch.setenv("PARITY_CACHE", str(own.parent / "file"))
    with pytest.warns(UserWarning, match=r"file/compiled/jax-\w+ can't be written to \(Not a directory\): nothing"):
        compiled.keep_compiled()
    assert not [name for name in OWN if name in os.environ]
    assert not compiled.is_kept()


def test_all_is_compiled_anew_where_that_is_asked_for(own):
    compiled.compile_anew()
    compiled.keep_compiled()
    assert compiled.JAX not in os.environ
    assert {name: os.environ[name] for name in compiled.COLD} == compiled.COLD
    assert not compiled.is_kept()


def test_damaged_and_old_programs_go_and_the_others_stay(own, monkeypatch):
    compiled.keep_compiled()
    folder = compiled.Path(os.environ[compiled.JAX])
    contents = {"whole": zlib.compress(b"program"), "cut": zlib.compress(b"program")[:-3], "empty": b""}
    for name, content in contents.items():
        (folder / f"{name}-cache").write_bytes(content)
    (folder / "old-cache").write_bytes(bytes(900))
    os.utime(folder / "old-cache", (1, 1))
    monkeypatch.setattr(compiled, "MOST_BYTES", 500)
    monkeypatch.delenv(compiled.JAX)
    compiled.keep_compiled()
    assert sorted(path.name for path in folder.glob("*-cache")) == ["whole-cache"]


def test_a_speed_says_whether_something_was_compiled_for_it(tmp_path, monkeypatch):
    start = draw(replace(recipe("polar"), rows=60, epochs=4, batch_size=16, model=MLP((3,), "sigmoid")))
    contender = Contender("jax", "cpu", "step", "float32")
    monkeypatch.setattr("parity.throughput.steady.SAMPLE_SECONDS", 0.01)
    # Of its own: what other tests compile meanwhile would be taken for this one's.
    for variable, folder in compiled.kept_in(tmp_path).items():
        monkeypatch.setenv(variable, folder)
    speeds = [measure([contender], start, lambda done: None)[str(contender)].cache for _ in range(2)]
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "false")
    monkeypatch.setenv("TORCHINDUCTOR_FORCE_DISABLE_CACHES", "1")
    speeds.append(measure([contender], start, lambda done: None)[str(contender)].cache)
    assert speeds == ["cold", "warm", "cold"]
