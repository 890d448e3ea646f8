"""The codes of findings: stable names, what each means, and what the same mistake does in either framework."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """What can be wrong."""

    name: str
    title: str
    """In a few words."""
    why: str
    """Why it keeps a network from learning."""
    remedy: str
    """What to do."""
    torch: str
    """What PyTorch does about it."""
    jax: str
    """What JAX, Flax NNX and Optax do about it."""


_ALL = (
    Code(
        "target-shape-broadcast",
        "predictions and targets of different shapes were broadcast against each other",
        "Every prediction is compared with every target, so the loss is smallest where all predictions are the mean target: no "
        "layers, rate or number of epochs can help.",
        "Give the target the prediction's shape: target.reshape(prediction.shape).",
        "nn.MSELoss, L1Loss and HuberLoss warn once and go on; a hand-written (p - y)**2 says nothing; BCEWithLogitsLoss "
        "raises.",
        "optax.squared_error and l2_loss raise; optax.huber_loss and a hand-written (p - y)**2 say nothing, unless "
        "jax_numpy_rank_promotion is 'raise'.",
    ),
    Code(
        "learning-rate-too-small",
        "the learning rate is too small",
        "The weights hardly move in the steps that there are.",
        "Take a larger rate, ten times at a time, until the loss swings, then a step back.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "learning-rate-too-large",
        "the learning rate is too large",
        "A step jumps over the valley: the loss swings or grows, or a jump kills the relu units once and for all.",
        "Take a smaller rate, ten times at a time, until the loss falls steadily.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "diverged",
        "the loss left all bounds",
        "Once a weight is NaN or inf, everything behind it is.",
        "Mend what stands above; then nothing leaves its bounds.",
        "Silent; torch.autograd.detect_anomaly finds NaN in the backward pass.",
        "Silent; jax_debug_nans finds NaN in both passes, optax.apply_if_finite leaves such updates out.",
    ),
    Code(
        "missing-zero-grad",
        "gradients are never cleared",
        "PyTorch adds each gradient to those before: the weights swing without being damped.",
        "Call optimizer.zero_grad() once in every step, before backward.",
        "Silent.",
        "Can't happen: a gradient is a new value in every step.",
    ),
    Code(
        "missing-optimizer-step",
        "gradients are computed and never used",
        "Without the optimizer's step no weight moves.",
        "Call optimizer.step() behind every backward pass; in JAX apply the updates and keep what comes back.",
        "Silent.",
        "Silent: optax returns updates, and whoever does not apply them has trained nothing.",
    ),
    Code(
        "missing-backward",
        "no gradients are computed",
        "The optimizer steps over parameters that have no gradient.",
        "Call loss.backward() before optimizer.step().",
        "Silent: parameters without a gradient are skipped.",
        "Can't happen: an update needs gradients as its argument.",
    ),
    Code(
        "optimizer-not-attached",
        "the optimizer does not hold what should be trained",
        "It changes other tensors, or only some of them.",
        "Make the optimizer of the parameters of the network that is trained, all of them.",
        "Silent.",
        "Silent with a `wrt` filter that leaves parameters out; an optimizer made for another tree raises.",
    ),
    Code(
        "frozen-parameters",
        "parameters are kept from being trained",
        "Without gradients they stay at their first, random values.",
        "Let them require gradients, and give them to the optimizer.",
        "Silent, unless nothing at all requires a gradient: then backward raises.",
        "Silent: gradients are taken with respect to what is asked for.",
    ),
    Code(
        "detached-graph",
        "the way from the loss back to the parameters is cut",
        "detach, .data, numpy and new tensors forget how they were made, so no gradient gets through.",
        "Compute the loss from the prediction itself, without detach, .data, .item() or numpy between.",
        "Raises where nothing is left to differentiate; silent where a part is cut, or where requires_grad is set by hand.",
        "Silent: stop_gradient gives zeros.",
    ),
    Code(
        "too-few-epochs",
        "training stops too early",
        "What the network could learn, it had not learned yet.",
        "Train longer, or at a larger rate.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "missing-nonlinearity",
        "linear layers follow each other without an activation",
        "They are one linear layer together: it fits a plane, however many there are.",
        "Put an activation behind every linear layer but the last.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "too-little-capacity",
        "the network is too small for this function",
        "It has learned what so few units can express.",
        "Give it more units a layer, or one more layer.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "dead-units",
        "units never fire",
        "A relu that is 0 for every row has no gradient and stays so.",
        "Draw the weights anew with biases near 0, lower the rate, or take an activation with a slope below 0.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "saturated-units",
        "units sit at the ends of their range",
        "There the slope of tanh or sigmoid is 0, and next to no gradient gets through.",
        "Draw smaller weights (1 over the root of the inputs), scale the inputs, or take relu.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "output-range",
        "the last activation can't reach the targets",
        "sigmoid ends at 1, tanh at -1 and 1, relu at 0: what lies beyond can't be predicted.",
        "Leave the activation behind the last layer out, or scale the targets into its range.",
        "Silent with MSELoss; BCELoss raises on targets outside of 0 to 1.",
        "Silent.",
    ),
    Code(
        "unscaled-inputs",
        "inputs are not scaled to mean 0 and standard deviation 1",
        "Large inputs make some directions steep and others flat, so no one rate fits all, and push units to their ends.",
        "Subtract the training rows' mean and divide by their standard deviation, column by column, for all rows.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "unscaled-targets",
        "targets are not scaled to mean 0 and standard deviation 1",
        "The network starts near 0 and has to walk to the targets' scale with steps that were meant for 1.",
        "Scale the targets to mean 0 and standard deviation 1, and scale predictions back.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "inputs-targets-misaligned",
        "rows are paired with other rows' targets",
        "Then little or nothing about a target can be told from its inputs, and the mean is about the best answer.",
        "Keep inputs and targets in one array while they are shuffled, sorted or shifted, or use one index for both.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "non-finite-data",
        "the data has NaN or infinite values",
        "One of them makes the loss, the gradients and every weight NaN.",
        "Look at these rows, and leave them out or mend them before training.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "wrong-loss",
        "the loss is not smallest where the prediction is right",
        "The network learns what it is told to, and that is something else.",
        "Take a loss that is smallest at the target: squared or absolute error for quantities, cross-entropy for classes.",
        "Silent, but for class losses that raise on targets of the wrong kind.",
        "Silent; a label outside of the classes gives NaN.",
    ),
    Code(
        "eval-mode-in-training",
        "the network trains in evaluation mode",
        "Dropout does nothing, and batch normalisation uses statistics that never learn the data.",
        "Call model.train() before training goes on.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "train-mode-in-evaluation",
        "the network is judged in training mode",
        "Dropout drops units, and batch normalisation takes its statistics from the rows that are judged.",
        "Call model.eval() before it is judged, and model.train() behind.",
        "Silent: a module is in training mode until eval() is called.",
        "Silent: deterministic and use_running_average are False until told otherwise.",
    ),
    Code(
        "validation-leak",
        "rows that the network is judged by were trained on",
        "The score is too good: it tells what was remembered.",
        "Split first, train on the one part, judge by the other.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "batch-norm-units",
        "batch normalisation of a column with a large mean and a small spread",
        "Its running statistics need many steps to reach a mean that far off, and float32 loses the spread beside it.",
        "Scale the columns before the network, or leave the first batch normalisation out.",
        "Silent.",
        "Silent, and worse: the variance is computed as E[x^2] - E[x]^2, unless use_fast_variance=False.",
    ),
    Code(
        "reduction-and-rate",
        "the rate does not suit the loss's reduction",
        "A sum over N rows has N times the gradient of their mean.",
        "Take the mean, or divide the rate by the number of rows.",
        "Silent; the losses take the mean unless told otherwise.",
        "Silent; optax's losses give a value per element, and you reduce them.",
    ),
    Code(
        "constant-input",
        "an input never varies",
        "A column that is the same in every row says nothing about the target.",
        "Find out where the column lost its values, or leave it out.",
        "Silent.",
        "Silent.",
    ),
    Code(
        "graph-not-rebuilt",
        "the loss is of weights that are not those being updated",
        "The optimizer holds tensors that the network no longer uses, or a prediction of earlier weights is kept.",
        "Change parameters in place under torch.no_grad(), and compute the prediction anew in every step.",
        "Silent for replaced tensors; a kept graph raises, unless retain_graph is set.",
        "Can't happen with a kept graph; a kept prediction has no gradient.",
    ),
    Code(
        "updates-lost-in-jit",
        "what a compiled function changed is lost",
        "jax.jit works on copies: a module that is changed inside comes out as it went in; returned values must be taken over.",
        "Use nnx.jit, or return the new state and take it over.",
        "Can't happen: modules are changed in place.",
        "Silent with jax.jit; nnx.jit keeps the changes of modules.",
    ),
    Code(
        "value-frozen-at-trace",
        "a compiled function goes on using a value as it was when it was traced",
        "Python runs once, when the function is traced: what it read from outside is a constant from then on.",
        "Pass the value to the compiled function as an argument.",
        "Can't happen in eager mode.",
        "Silent; pass the value as an argument, or use optax.inject_hyperparams.",
    ),
)
CODES = {code.name: code for code in _ALL}
