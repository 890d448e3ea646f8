"""What watching must not do to a program: take its arguments away, draw from its random state, or stay behind."""

import pickle

import pytest
import sklearn.metrics
import torch
from torch import nn

import parity.diagnose


def data():
    torch.manual_seed(0)
    x = torch.rand(60, 2)
    return x, (x**2).sum(1, keepdim=True)


def network():
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))


def train(model, x, y):
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.02)
    for _ in range(50):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()


def test_gradients_of_a_generator_of_parameters():
    x, y = data()
    model = network()
    with parity.diagnose.watch(seconds=0.0) as watched:
        for _ in range(20):
            gradients = torch.autograd.grad(((model(x) - y) ** 2).mean(), model.parameters())
            with torch.no_grad():
                for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                    parameter -= 0.1 * gradient
    (diagnosis,) = watched.diagnoses
    assert not {"missing-zero-grad", "missing-optimizer-step", "missing-backward"} & {
        f.code for f in diagnosis.findings
    }


def test_gradients_of_a_part_that_was_trained_before_and_is_frozen_now_are_not_left_over():
    x, y = data()
    body, head = nn.Sequential(nn.Linear(2, 16), nn.Tanh()), nn.Linear(16, 1)
    with parity.diagnose.watch(seconds=0.0) as watched:
        train(nn.Sequential(body, nn.Linear(16, 1)), x, y)
        body.requires_grad_(False)
        train(nn.Sequential(body, head), x, y)
    assert not {"missing-zero-grad", "frozen-parameters"} & {f.code for d in watched.diagnoses for f in d.causes}


def test_folds_have_one_answer_which_is_that_of_the_worst():
    x, y = data()

    def fold(rows, rate=1e-2):
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        for _ in range(5):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
            optimizer.step()

    with parity.diagnose.watch(seconds=0.0) as watched:
        fold(slice(0, 30))
        y[30:50] *= 100  # <- the worst
        fold(slice(30, 50))
        fold(slice(0, 30))
        fold(slice(0, 30), rate=0.1)
    folds, another = watched.diagnoses
    assert (folds.alike, another.alike) == (3, 1)
    assert folds.signals["loss at the start"] > 100, "the worst of the three is the one that is told"


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.functional.mse_loss], ids=["module", "function"])
def test_what_an_evaluation_is_compared_with_is_seen(loss):
    x, y = data()
    model = network()
    with parity.diagnose.watch(seconds=0.0) as watched:
        train(model, x[:40], y[:40])
        with torch.no_grad():
            loss(model(x[40:]), y[40:])
    assert watched.diagnoses[0].judged_on == "20 rows that it was not trained on"


SCALED_BACK = {
    "scaled": (lambda y: (y - y.mean()) / y.std(), lambda p, y: p * y.std() + y.mean()),
    "log": (lambda y: y.log(), lambda p, y: p.exp()),
    "log of 1 + y": (lambda y: y.log1p(), lambda p, y: p.expm1()),
}


@pytest.mark.parametrize("scored", [True, False], ids=["sklearn", "by hand"])
@pytest.mark.parametrize("way", SCALED_BACK)
def test_a_network_is_judged_in_the_units_of_its_targets_though_it_is_scored_in_others(way, scored):
    there, back = SCALED_BACK[way]
    x, y = data()
    y = y + 0.1
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    with parity.diagnose.watch(seconds=20.0) as watched:
        train(model, x[:40], there(y)[:40])
        with torch.no_grad():
            prediction = back(model(x[40:]), y)
            if not scored:
                _ = 1 - ((prediction - y[40:]) ** 2).sum() / ((y[40:] - y[40:].mean()) ** 2).sum()
            else:
                sklearn.metrics.r2_score(y[40:].numpy(), prediction.numpy())
    (diagnosis,) = watched.diagnoses
    assert diagnosis.judged_on == "20 rows that it was not trained on"
    with torch.no_grad():
        residual = model(x[40:]) - there(y)[40:]
        own = 1 - (residual**2).sum() / ((there(y)[40:] - there(y)[40:].mean()) ** 2).sum()
    assert diagnosis.score == pytest.approx(float(own), abs=1e-3)
    assert diagnosis.baselines["linear"] > 0.8, "the trials learn the same targets as the program"


def test_backward_by_keyword():
    x, y = data()
    model = network()
    with parity.diagnose.watch(seconds=0.0) as watched:
        for _ in range(3):
            torch.autograd.backward(tensors=[((model(x) - y) ** 2).mean()])
    assert len(watched.diagnoses) == 1


def test_the_trials_draw_nothing_from_the_programs_random_state():
    x, y = data()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
    with parity.diagnose.watch(seconds=20.0) as watched:
        for _ in range(40):
            optimizer.zero_grad()
            ((model(x) - y) ** 2).mean().backward()
            optimizer.step()
        state = torch.get_rng_state()
    assert watched.diagnoses[0].trials
    assert torch.equal(torch.get_rng_state(), state)


def test_scores_can_be_pickled_and_are_the_originals_again():
    original = sklearn.metrics.r2_score
    with parity.diagnose.watch(seconds=0.0):
        watched = sklearn.metrics.r2_score
        assert watched is not original
        assert pickle.loads(pickle.dumps(watched)) is watched
        assert watched([1.0, 2.0], [1.0, 2.0]) == 1.0
    assert sklearn.metrics.r2_score is original
    assert watched([1.0, 2.0], [1.0, 2.0]) == 1.0


def test_an_update_that_is_given_up_does_not_end_the_watching():
    x, y = data()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def refuses(*_):
        raise RuntimeError("not now")

    handle = optimizer.register_step_pre_hook(refuses)
    with parity.diagnose.watch(seconds=0.0) as watched:
        for step in range(6):
            optimizer.zero_grad()
            ((model(x) - y) ** 2).mean().backward()
            try:
                optimizer.step()
            except RuntimeError:
                handle.remove()
            assert step < 6
    (diagnosis,) = watched.diagnoses
    assert not diagnosis.causes


def test_what_undoes_a_scaling_is_not_taken_for_the_targets_of_a_network_of_functions():
    x, y = data()
    mean, spread = y.mean(), y.std()
    kernel, bias = torch.randn(2, 1, requires_grad=True), torch.zeros(1, requires_grad=True)
    with parity.diagnose.watch(seconds=10.0) as watched:
        optimizer = torch.optim.SGD([kernel, bias], lr=0.3)
        for _ in range(200):
            optimizer.zero_grad()
            nn.functional.mse_loss(x[:40] @ kernel + bias, (y[:40] - mean) / spread).backward()
            optimizer.step()
        with torch.no_grad():
            prediction = (x[40:] @ kernel + bias) * spread + mean
        1 - nn.functional.mse_loss(prediction, y[40:]).item() / y[40:].var().item()
    (diagnosis,) = watched.diagnoses
    assert diagnosis.judged_on == "8 of the rows that it was trained on"
    assert diagnosis.score > 0.5


def test_an_error_of_ours_in_one_network_leaves_the_others_their_answers(monkeypatch):
    x, y = data()
    real = parity.diagnose.watching.judge

    def fails_at_the_first(name, recording, index, *rest):
        if index == 0:
            raise ValueError("planted")
        return real(name, recording, index, *rest)

    monkeypatch.setattr(parity.diagnose.watching, "judge", fails_at_the_first)
    watching = parity.diagnose.watching.Watching()
    train(network(), x, y)
    train(nn.Linear(2, 1), x, y)
    diagnoses = watching.judge("two networks", seconds=0.0)
    assert len(diagnoses) == 1
    assert "planted" in watching.unseen[0]
