"""Corrected lines: what is written into a script's text mends it, and what can't be written safely is not."""

import runpy
import textwrap

import pytest

import parity.diagnose
from parity.contract import InputError, Place
from parity.diagnose.correcting import corrected
from parity.diagnose.finding import Fix

HEAD = """
import torch
from torch import nn
torch.manual_seed(0)
x = torch.rand(200, 2) * 2 - 1
y = (x**2).sum(1, keepdim=True)
x_test, y_test = x[150:], y[150:]
x, y = x[:150], y[:150]
model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
"""
LOOP = """
for epoch in range(60):
    prediction = model(x)
    loss = ((prediction - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    score = ((model(x_test) - y_test) ** 2).mean()
"""
# By code: what is replaced in the script to plant the fault.
FAULTS = {
    "target-shape-broadcast": (("- y) ** 2", "- y[:, 0]) ** 2"),),
    "missing-zero-grad": (("    optimizer.zero_grad()\n", ""),),
    "missing-optimizer-step": (("    optimizer.step()\n", ""),),
    "missing-backward": (("    loss.backward()\n", ""),),
    "optimizer-not-attached": (("Adam(model.parameters()", "Adam(nn.Linear(2, 1).parameters()"),),
    "frozen-parameters": (("lr=1e-2)\n", "lr=1e-2)\nfor p in model[0].parameters():\n    p.requires_grad = False\n"),),
    "detached-graph": (("model = nn", "first = nn.Linear(2, 2)\nmodel = nn"), ("model(x)\n", "model(first(x).detach())\n"),
                       ("model.parameters()", "[*first.parameters(), *model.parameters()]"),
                       ("model(x_test)", "model(first(x_test))")),
    "wrong-loss": (("loss = ((", "loss = -(("),),
    "train-mode-in-evaluation": (("nn.Tanh()", "nn.Tanh(), nn.Dropout(0.5)"),),
    "eval-mode-in-training": (("nn.Tanh()", "nn.Tanh(), nn.Dropout(0.1)"), ("for epoch", "model.eval()\nfor epoch")),
}  # fmt: skip


def found(script):
    with parity.diagnose.watch(seconds=0.0) as watched:
        runpy.run_path(str(script), run_name="__main__")
    (diagnosis,) = watched.diagnoses
    return {finding.code: finding for finding in diagnosis.findings}


def planted(code):
    text = HEAD + LOOP
    for before, after in FAULTS[code]:
        assert before in text
        text = text.replace(before, after)
    return text


@pytest.mark.parametrize("code", FAULTS)
def test_the_corrected_lines_mend_the_script(code, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(planted(code), encoding="utf-8")
    finding = found(script)[code]
    assert finding.fix, finding

    text, changed = corrected(script, finding.fix)

    assert changed == len(finding.fix)
    mended = tmp_path / "mended.py"
    mended.write_text(text, encoding="utf-8")
    assert code not in found(mended)


def test_no_line_is_put_in_front_of_one_that_is_shared(tmp_path):
    script = tmp_path / "script.py"
    one_line = "for epoch in range(60): loss = ((model(x) - y) ** 2).mean(); loss.backward(); optimizer.step()\n"
    script.write_text(HEAD + one_line, encoding="utf-8")
    assert found(script)["missing-zero-grad"].fix == ()


def test_a_call_that_is_not_the_networks_is_left_alone(tmp_path):
    script = tmp_path / "script.py"
    loop = LOOP.replace("model(x_test)", "nets[0](x_test)").replace("for epoch", "nets = [model]\nfor epoch")
    script.write_text(HEAD.replace("nn.Tanh()", "nn.Tanh(), nn.Dropout(0.5)") + loop, encoding="utf-8")
    assert found(script)["train-mode-in-evaluation"].fix == ()


def test_two_changes_of_one_line_leave_a_script_that_runs(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(planted("missing-zero-grad").replace("loss = ((", "loss = -(("), encoding="utf-8")
    fixes = [fix for finding in found(script).values() for fix in finding.fix]
    text, changed = corrected(script, [*fixes, *fixes])
    assert changed == len(set(fixes))
    compile(text, "mended", "exec")


def test_two_changes_of_one_line_are_both_made(tmp_path):
    script = tmp_path / "script.py"
    lines = ("optimizer = SGD(other.parameters(), lr=1e-6)", "optimizer.zero_grad()")
    script.write_text("\n".join(lines), encoding="utf-8")
    place = Place(str(script), 1)
    fixes = [
        Fix(place, lines[:1], (lines[0].replace("1e-6", "1e-2"),)),
        Fix(place, lines[:1], (lines[0].replace("other", "model"),)),
        Fix(place, lines[:1], (lines[0].replace("1e-6", "1.0"),)),  # <- the rate again: left out
        Fix(place, (), ("model.train()",)),
        Fix(Place(str(script), 2), lines[1:], ()),
    ]
    text, changed = corrected(script, fixes)
    assert (text, changed) == ("model.train()\noptimizer = SGD(model.parameters(), lr=1e-2)\n", 4)


def test_a_script_that_was_changed_meanwhile_is_not_corrected(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(planted("wrong-loss"), encoding="utf-8")
    fixes = found(script)["wrong-loss"].fix
    script.write_text(textwrap.dedent("print('another')\n"), encoding="utf-8")
    with pytest.raises(InputError, match="has changed since it was run"):
        corrected(script, fixes)
