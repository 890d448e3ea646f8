"""The twins read side by side: the same files, the same definitions in the same order, but for these reasoned differences."""

from pathlib import Path

import pytest
from outline import ROOT, outline

JAX, TORCH = ROOT / "jax_impl", ROOT / "torch_impl"

# By file: why they differ, what only JAX has, what only PyTorch has.
DIFFERENCES = {
    "model.py": [
        ("A module is called in Flax and has a forward pass in PyTorch.",
         ["MLP.__call__(self, x, masks)", "RegularizedMLP.__call__(self, x, masks)"],
         ["MLP.forward(self, x, masks)", "RegularizedMLP.forward(self, x, masks)"]),
        ("nnx.BatchNorm keeps the biased variance, so the forward pass is written; PyTorch's own is the contract's.",
         ["BatchNorm.__call__(self, x)"], []),
        ("jax.nn.leaky_relu has another slope at 0.", ["leaky_relu(x)"], []),
        ("jax.vmap gives the axis of a stack of replicas to any layer; in PyTorch a layer takes it itself.",
         [], ["Linear", "Linear.forward(self, x)", "BatchNorm.forward(self, x)"]),
    ],
    "optimizers.py": [
        ("Optax computes bias corrections in float32, or has another formula: the rule is written here.",
         ["Moments", "Moments.mu", "Moments.nu", "SumOfSquares", "SumOfSquares.sum_of_squares", "scale_by_rate()",
          "scale_by_corrected_adam(config)", "scale_by_scheduled_nadam(config)", "scale_by_rectified_adam(config)",
          "scale_by_moments(config, direction)", "scale_by_corrected_adamax(config)", "scale_by_root_of_sum(config)"], []),
        ("PyTorch has no Lion, and its NAdam keeps a product in float32: the rule is written there.",
         [], ["ScaledNAdam", "ScaledNAdam.__init__(self, parameters, config)", "ScaledNAdam.step(self, closure)",
              "ScaledNAdam.update(self, parameters, scalars)", "SignMomentum",
              "SignMomentum.__init__(self, parameters, config)", "SignMomentum.step(self, closure)",
              "SignMomentum.update(self, parameters, scalars)"]),
        ("PyTorch's optimizers come in forms: fused, foreach, a loop over tensors.",
         ["build_optimizer(config)"],
         ["together(group)", "FORMS", "build_optimizer(config, parameters, form)"]),
        ("PyTorch computes these itself in double; Optax would in float32.",
         ["adam_scalars(config, learning_rate, t)", "radam_scalars(config, learning_rate, t)"], []),
        ("A gradient is a value in JAX, and a part of its parameter in PyTorch, whose own clipping has one norm for a stack.",
         ["clip_by_global_norm(gradients, largest)"], ["clip_by_global_norm(parameters, largest, stacked)"]),
    ],
    "objective.py": [
        ("JAX makes vectors of trees of arrays and back itself, and PyTorch of lists of tensors, one way.",
         [], ["Objective.unflatten(self, x)", "unravelled(x, shapes)"]),
    ],
    "levenberg_marquardt.py": [
        ("An Optax optimizer is two functions, and a PyTorch one an object that holds its parameters.",
         ["levenberg_marquardt(config)"],
         ["LevenbergMarquardt", "LevenbergMarquardt.__init__(self, config, parameters)",
          "LevenbergMarquardt.step(self, objective)"]),
        ("XLA adds a product of matrices up in one row of terms, so long ones are taken in parts; PyTorch's does so itself.",
         ["ADDED"], []),
        ("XLA is slow at products that are long and narrow, so that the triangle is summed in squares.", ["Squares"], []),
    ],
    "lbfgs.py": [
        ("An Optax optimizer is two functions, and a PyTorch one an object that holds its parameters.",
         ["lbfgs(config)"],
         ["LBFGS", "LBFGS.__init__(self, config, parameters)", "LBFGS.step(self, objective)",
          "LBFGS.ravelled(self, slot)"]),
    ],
    "convert.py": [
        ("A state has the contract's names in JAX already, and PyTorch's own in PyTorch.", [], ["contract_name(native)"]),
        ("JAX copies a whole tree of arrays in one call, PyTorch one array.",
         ["to_native(arrays, device)"], ["to_native(array, device)"]),
    ],
    "program.py": [
        ("The state is arrays that go in and come out of compiled code; in PyTorch it is objects that are changed.",
         ["TrainState.buffers", "Program._model(self, parameters, buffers, training)", "moved(model, buffers)"],
         ["TrainState.model", "Program.initial_state(self, stack)", "unmoved(model)"]),
        ("An Optax state is a tree of arrays, among which those of the contract have to be found.",
         ["Program.names(self)", "Program.slots(self, change, optimizer)"], []),
        ("The axis of a stack is seen on JAX's arrays; PyTorch's objects are made for it.",
         ["Program.stack(self, state)"], ["TrainState.stack"]),
        ("jax.vmap picks the rows of each replica's batch; in PyTorch that is written.", [], ["picked(columns, rows)"]),
        ("JAX compiles whole runs, of one state or of many, once for each config; PyTorch runs step by step.",
         ["PROGRAMS", "CALLS", "WORTH_A_CALL", "compiled(outermost)", "Program.compiler_options",
          "Program.numbers(self, state, feed)", "Program.fit_in_one_scan(self, state, feed, scalars, watch)",
          "Program.run(self, state, record, feed, scalars, evaluate, part)",
          "Program.run_many(self, states, records, feed, scalars, evaluate, part)",
          "Program.run_one(self, state, record, feed, scalars, evaluate, part)",
          "Program.loop(self, state, losses, feed, scalars, start, stop)",
          "program(config, dtype)", "program_of(config, dtype)", "compiled_calls(calls, steps, watch)"], []),
        ("PyTorch's tensors are made on a device; JAX computes where its arguments are.",
         ["Program.__init__(self, config, dtype)"],
         ["Program.__init__(self, config, device, dtype, form)"]),
        ("PyTorch's step is a loss and what is done with it, of which a mode compiles the first.",
         [], ["Program.batch_loss(self, state, batch)"]),
    ],
    "modes.py": [
        ("PyTorch's optimizers have forms, one compiles a loop's network, and what compiles C++ needs a compiler.",
         [], ["Mode.form", "Mode.program", "Mode.compiles"]),
    ],
    "idiomatic.py": [
        ("Flax's own model and optimizer are made of the state's arrays, and give them back; PyTorch's are the state.",
         ["Training", "Training.model", "Training.optimizer", "begun(program, state)", "ended(program, training)"], []),
        ("A step is compiled once for each program, with what the optimizer takes beside the gradients.",
         ["train_step_of(program)", "given(program, model, batch, scalars)", "clipped(program)"], []),
        ("PyTorch has a DataLoader; Flax leaves loading to the user.", [], ["loader(feed, steps)"]),
    ],
    "flat.py": [
        ("A flat state is a value in JAX: made of a state's arrays, and cut into them again.",
         ["FlatProgram.flattened(self, state)", "FlatProgram.unflattened(self, state)",
          "FlatProgram.by_name(self, vector)"], []),
        ("XLA makes one kernel of the loop of a small network, whose products are then written as sums.",
         ["MOST_PARAMETERS", "MOST_PRODUCTS", "NARROW", "MOST_NARROW_PRODUCTS", "TESTED", "ONE_KERNEL", "UNUSED", "NO_LIBRARY",
          "FlatProgram.model_of_sums(self)", "in_one_kernel(function)",
          "small_product(x, kernel, dimensions)", "is_small(config, rows, device)"], []),
        ("JAX compiles a program once for each config.",
         ["FlatProgram", "FlatProgram.__init__(self, config, dtype, one_kernel)", "FlatProgram.stack(self, state)",
          "FlatProgram.step_alone(self, state, batch, scalars)", "FlatProgram.used(self, scalars)",
          "FlatProgram.loop(self, state, losses, feed, scalars, start, stop)",
          "FlatProgram._model(self, parameters, buffers, training)", "flat_program(config, dtype, one_kernel)"], []),
        ("jax.jit compiles a loop of any length at once; torch.compile takes a graph of one, made beforehand.",
         [], ["SMALL", "MANY_ROWS", "compiled_run(step, vectors, losses, feed, scalars)", "feed_of_any_length(feed)",
              "of_any_length(tensor)", "compiled_loop(step, batch)", "traced(step, vectors, losses, feed, scalars)",
              "leaves_of(tensors)", "small_mm(a, b)", "small_addmm(c, a, b, beta, alpha)", "is_small(a, b)",
              "written_out(a, b)", "SMALL_PRODUCTS"]),
    ],
    "trainer.py": [
        ("JAX makes a new state of arrays, PyTorch fills the one it has.",
         ["Trainer._native_state(self, state)", "Trainer._state_of(self, state, step)"],
         ["Trainer._fill(self, native, state)", "Trainer._state_of(self, native, step)", "Trainer._slot_keys(self)",
          "Trainer._step_count(self, step)", "tensor(state, name)"]),
        ("JAX copies a whole tree of arrays in one call, and compiled code takes a batch of NumPy as it is.",
         ["Trainer._put(self, arrays)", "device_batch(batch)"],
         ["Trainer._put(self, array)", "Trainer._put_all(self, arrays)", "Trainer._put_batch(self, batch)"]),
        ("jax.vmap puts the axis of a stack in front, PyTorch's record has the steps there.",
         [], ["replicas_first(record)"]),
        ("float64 and the device are set around a call in JAX, and are a tensor's own in PyTorch.",
         ["precision(dtype, device)"], ["precision()"]),
        ("A state has the contract's names in JAX already, and PyTorch's own in PyTorch.",
         ["from_native_axes(arrays)"], ["from_native_names(tensors)"]),
    ],
    "export.py": [
        ("A module is called in JAX and has a forward pass in PyTorch.",
         ["Surrogate.__call__(self, x)"], ["Surrogate.forward(self, x)"]),
    ],
}  # fmt: skip

# Files that only PyTorch has, and why.
ONLY_TORCH = {
    "compiled.py": "JAX compiles in every mode; in PyTorch one compiles the network of a loop that is eager.",
    "compiler.py": "XLA is its own compiler; torch.compile calls one of C++, which may not be there.",
    "updates.py": "Optax's optimizers are functions of arrays already.",
    "vectors.py": "JAX's program takes a vector as its state; PyTorch's state is objects, copied into vectors and back.",
    "cuda_graph.py": "XLA makes CUDA graphs of what it compiles by itself.",
}

# An argument that only PyTorch's functions take, by file, and why.
EXTRA_ARGUMENTS = {"optimizers.py": ("(config, parameters)", "A PyTorch optimizer owns its parameters.")}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.py"))


def test_the_twins_have_the_same_files():
    assert names(JAX) == [name for name in names(TORCH) if name not in ONLY_TORCH]


@pytest.mark.parametrize("file", names(JAX))
def test_the_twins_define_the_same_in_the_same_order(file):
    jax, torch = outline(JAX / file), outline(TORCH / file)
    for _, only_jax, only_torch in DIFFERENCES.get(file, ()):
        jax = [line for line in jax if line not in only_jax]
        torch = [line for line in torch if line not in only_torch]
    if file in EXTRA_ARGUMENTS:
        arguments, _ = EXTRA_ARGUMENTS[file]
        torch = [line.replace(arguments, "(config)") for line in torch]
    assert jax == torch


@pytest.mark.parametrize("file", sorted(DIFFERENCES))
def test_no_difference_is_listed_that_is_none(file):
    for reason, only_jax, only_torch in DIFFERENCES[file]:
        assert reason.endswith(".")
        for folder, other, lines in ((JAX, TORCH, only_jax), (TORCH, JAX, only_torch)):
            assert set(lines) <= set(outline(folder / file)), "stale"
            assert not set(lines) & set(outline(other / file)), "both have it"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("rename", "def huber2(p, t): ...\n"),
        ("reorder", "def b(): ...\ndef a(): ...\n"),
        ("argument", "def a(x, y): ...\n"),
    ],
)
def test_a_drift_would_show(tmp_path, change, text):
    original = {
        "rename": "def huber(p, t): ...\n",
        "reorder": "def a(): ...\ndef b(): ...\n",
        "argument": "def a(x): ...\n",
    }
    (tmp_path / "one.py").write_text(original[change])
    (tmp_path / "other.py").write_text(text)
    assert outline(tmp_path / "one.py") != outline(tmp_path / "other.py")
