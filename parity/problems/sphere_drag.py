"""The drag of a smooth sphere."""

from parity.problems.engineering import column, engineering_recipe, where
from parity.problems.friction import REYNOLDS_NAME
from parity.problems.libraries import library
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut

SCHILLER_NAUMANN_UP_TO = 800.0


def truth(inputs: Floats) -> Floats:
    return column(library("fluids.vectorized").drag_sphere(inputs[:, 0]))


def schiller_naumann(inputs: Floats) -> Floats:
    reynolds = inputs[:, 0]
    return column(where(reynolds <= SCHILLER_NAUMANN_UP_TO, 24.0 / reynolds * (1.0 + 0.15 * reynolds**0.687)))


SPHERE_DRAG = Problem(
    name="sphere_drag",
    title="drag of a sphere",
    family="particles",
    about=(
        "From creeping flow through the drag crisis, where the boundary layer turns turbulent and the drag falls: one "
        "input, and a curve whose kink a smooth network has to bend into."
    ),
    used="Sprays, sediments, fluidised beds, and balls in sport.",
    inputs=(Quantity("Re", REYNOLDS_NAME, "-", 0.01, 1e6, log=True),),
    outputs=(
        Quantity(
            "Cd",
            "drag coefficient",
            "-",
            0.087,
            2410.0,
            log=True,
            need=Bound("max_rel", 2e-2),
            target=Bound("max_rel", 1e-2),
        ),
    ),
    truth=truth,
    source="Barati et al. 2014, doi 10.1016/j.powtec.2014.02.045, by the library fluids",
    recipe=engineering_recipe("sphere_drag"),
    shortcut=Shortcut(
        "Schiller and Naumann, up to 800",
        "Schiller and Naumann 1933, Zeitschrift des VDI 77, 318-320",
        schiller_naumann,
    ),
    # Barati's table of calculated values, as the documentation of fluids quotes it, has 0.7682237950389874.
    example=((200.0,), (0.768223795039,)),
    libraries=("fluids",),
)
