"""How fast a sphere sinks."""

from parity.problems.engineering import column, engineering_recipe, where
from parity.problems.libraries import library
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut

GRAVITY = 9.80665
"""m/s2, the standard acceleration (3rd CGPM 1901)."""
STOKES_UP_TO = 0.1


def truth(inputs: Floats) -> Floats:
    return column(library("fluids.vectorized").v_terminal(*inputs.T))


def stokes(inputs: Floats) -> Floats:
    diameter, particle, fluid, viscosity = inputs.T
    velocity = GRAVITY * diameter**2 * (particle - fluid) / (18.0 * viscosity)
    return column(where(fluid * velocity * diameter / viscosity <= STOKES_UP_TO, velocity))


TERMINAL_VELOCITY = Problem(
    name="terminal_velocity",
    title="how fast a sphere sinks",
    family="particles",
    about=(
        "The speed at which drag and weight balance; the drag depends on the speed, so that every call is an iteration. It "
        "spans nearly nine decades, from dust in oil to steel in a solvent."
    ),
    used="Settling tanks, classifiers, and cuttings in drilling mud.",
    inputs=(
        Quantity("D", "diameter of the sphere", "m", 1e-5, 1e-2, log=True),
        Quantity("rho_p", "density of the sphere", "kg/m3", 1100.0, 8000.0),
        Quantity("rho", "density of the fluid", "kg/m3", 700.0, 1050.0),
        Quantity("mu", "viscosity of the fluid", "Pa s", 2e-4, 1.0, log=True),
    ),
    outputs=(
        Quantity(
            "v",
            "terminal velocity",
            "m/s",
            2.7e-9,
            1.9,
            log=True,
            need=Bound("max_rel", 2e-2),
            target=Bound("p99_rel", 1e-2),
        ),
    ),
    truth=truth,
    source="the drag of Barati et al. 2014, doi 10.1016/j.powtec.2014.02.045, by the library fluids",
    recipe=engineering_recipe("terminal_velocity"),
    shortcut=Shortcut(
        "Stokes' law, up to Re 0.1", "Stokes 1851, Transactions of the Cambridge Philosophical Society 9, 8-106", stokes
    ),
    # The example in fluids' documentation has 0.004142497244531304.
    example=((7e-05, 2600.0, 1000.0, 0.001), (0.00414249724453,)),
    libraries=("fluids",),
)
