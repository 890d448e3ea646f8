"""The truths of the catalogue, against other forms of the same laws; each check is shown to see a truth that is off."""

import numpy as np
import pytest
from scipy.special import erfc, erfcx, gammainc, ive, kve

from parity.problems import find
from parity.problems.drawing import inputs_at, spread

ROUNDING = 1e-12
"""Some thousand roundings of float64."""
ITERATION = 1e-8
"""Where a library iterates, down to a relative step of about this size."""
CHECKS = {}


def checks(name, rows=400):
    """A check of the truth of a problem on rows drawn over its ranges."""

    def decorate(check):
        def run(truth):
            problem = find(name)
            axes = problem.drawn or problem.inputs
            inputs = inputs_at(problem, spread(axes, np.random.default_rng(1).random((rows, len(axes)))))
            check(inputs, truth(inputs), truth)

        CHECKS[name] = run
        return run

    return decorate


def close(values, expected, rtol=ROUNDING, atol=0.0):
    np.testing.assert_allclose(values, expected, rtol=rtol, atol=atol)


def newton_friction(reynolds, roughness):
    """Colebrook's equation, solved by Newton's method for 1 / sqrt(f)."""
    x = np.full_like(reynolds, 7.0)
    for _ in range(50):
        inside = roughness / 3.7 + 2.51 * x / reynolds
        slope = 1.0 + 2.0 * 2.51 / reynolds / inside / np.log(10.0)
        x = x - (x + 2.0 * np.log10(inside)) / slope
    return x**-2


def test_newton_solves_what_colebrook_wrote():
    friction = newton_friction(np.array([1e5]), np.array([1e-4]))
    close(friction**-0.5, -2.0 * np.log10(1e-4 / 3.7 + 2.51 / (1e5 * friction**0.5)))


@checks("colebrook")
def colebrook(inputs, outputs, truth):
    close(outputs[:, 0], newton_friction(*inputs.T))


@checks("moody_all")
def moody_all(inputs, outputs, truth):
    reynolds, roughness = inputs.T
    a = (2.457 * np.log(1.0 / ((7.0 / reynolds) ** 0.9 + 0.27 * roughness))) ** 16
    b = (37530.0 / reynolds) ** 16
    close(outputs[:, 0], 8.0 * ((8.0 / reynolds) ** 12 + (a + b) ** -1.5) ** (1.0 / 12.0))


@checks("gnielinski")
def gnielinski(inputs, outputs, truth):
    reynolds, prandtl = inputs.T
    eighth = (0.790 * np.log(reynolds) - 1.64) ** -2 / 8.0
    expected = eighth * (reynolds - 1000.0) * prandtl / (1.0 + 12.7 * np.sqrt(eighth) * (prandtl ** (2.0 / 3.0) - 1.0))
    close(outputs[:, 0], expected)


@checks("churchill_bernstein")
def churchill_bernstein(inputs, outputs, truth):
    reynolds, prandtl = inputs.T
    plate = 0.62 * np.sqrt(reynolds) * np.cbrt(prandtl) / (1.0 + (0.4 / prandtl) ** (2.0 / 3.0)) ** 0.25
    close(outputs[:, 0], 0.3 + plate * (1.0 + (reynolds / 282000.0) ** 0.625) ** 0.8)


@checks("churchill_chu")
def churchill_chu(inputs, outputs, truth):
    rayleigh, prandtl = inputs.T
    fluid = (1.0 + (0.492 / prandtl) ** (9.0 / 16.0)) ** (8.0 / 27.0)
    close(outputs[:, 0], (0.825 + 0.387 * rayleigh ** (1.0 / 6.0) / fluid) ** 2)


@checks("eps_ntu_crossflow")
def eps_ntu_crossflow(inputs, outputs, truth):
    """Mason 1955, Proceedings of the Second US National Congress of Applied Mechanics, 801-803."""
    ntu, ratio = inputs.T
    terms = np.arange(1, 80)[:, None]
    close(outputs[:, 0], (gammainc(terms, ntu) * gammainc(terms, ratio * ntu)).sum(axis=0) / (ratio * ntu))


@checks("lmtd_F")
def lmtd_f(inputs, outputs, truth):
    """Bowman, Mueller and Nagle 1940, Transactions of the ASME 62, 283-294; it loses digits as R nears 1."""
    r, p = inputs[np.abs(inputs[:, 0] - 1.0) > 0.01].T
    root = np.hypot(r, 1.0)
    above = root / (r - 1.0) * np.log((1.0 - p) / (1.0 - p * r))
    below = np.log((2.0 - p * (r + 1.0 - root)) / (2.0 - p * (r + 1.0 + root)))
    close(truth(np.stack([r, p], axis=1))[:, 0], above / below, rtol=1e-9)


@checks("annular_fin")
def annular_fin(inputs, outputs, truth):
    """The mean of the excess temperature over the fin, by Gauss's rule; Bessel functions scaled against overflow."""
    tube, ratio, thickness, conductivity, film = inputs.T[:, None]
    inner, outer, m = tube / 2.0, ratio * tube / 2.0, np.sqrt(2.0 * film / (conductivity * thickness))
    nodes, weights = np.polynomial.legendre.leggauss(200)

    def excess(radius):
        reflected = kve(1, m * outer) * ive(0, m * radius) * np.exp(-2.0 * m * (outer - radius))
        return (ive(1, m * outer) * kve(0, m * radius) + reflected) * np.exp(-m * (radius - inner))

    radius = (inner + outer) / 2.0 + (outer - inner) / 2.0 * nodes[:, None]
    integral = (weights[:, None] * excess(radius) / excess(inner) * radius).sum(axis=0) * (outer - inner) / 2.0
    close(outputs[:, 0], (2.0 * integral / (outer**2 - inner**2))[0], rtol=1e-10)


@checks("heisler_wall")
def heisler_wall(inputs, outputs, truth):
    """Early, a half-space (Carslaw and Jaeger 1959, section 2.7); late, one term, whose root Newton's method finds."""
    _, biot, place = inputs.T
    # The other face is felt by less than erfc(5.3), 7e-14.
    early, place = 0.02, 0.5 + place / 2.0
    depth = (1.0 - place) / (2.0 * np.sqrt(early))
    expected = 1.0 - erfc(depth) + np.exp(-(depth**2)) * erfcx(depth + biot * np.sqrt(early))
    close(truth(np.stack([np.full_like(biot, early), biot, place], axis=1))[:, 0], expected, atol=1e-12)
    root = np.arctan(np.sqrt(biot))
    for _ in range(50):
        sine, cosine = np.sin(root), np.cos(root)
        root = root - (root * sine - biot * cosine) / (sine * (1.0 + biot) + root * cosine)
    weight = 4.0 * np.sin(root) / (2.0 * root + np.sin(2.0 * root))
    # The second term is below exp(-3 pi^2), 1.4e-13.
    late = weight * np.exp(-3.0 * root**2) * np.cos(root * place)
    close(truth(np.stack([np.full_like(biot, 3.0), biot, place], axis=1))[:, 0], late, atol=1e-12)


@checks("sphere_drag")
def sphere_drag(inputs, outputs, truth):
    """Stokes's law in creeping flow, and Barati's formula as printed from 0.1 to 200,000."""
    close(truth(np.array([[0.01]])), 24.0 / 0.01)
    r = inputs[(inputs[:, 0] > 0.1) & (inputs[:, 0] < 2e5), 0]
    expected = (
        5.4856e9 * np.tanh(4.3774e-9 / r)
        + 0.0709 * np.tanh(700.6574 / r)
        + 0.3894 * np.tanh(74.1539 / r)
        - 0.1198 * np.tanh(7429.0843 / r)
        + 1.7174 * np.tanh(9.9851 / (r + 2.3384))
        + 0.4744
    )
    close(truth(r[:, None])[:, 0], expected)


@checks("terminal_velocity")
def terminal_velocity(inputs, outputs, truth):
    """Drag and buoyant weight balance, and where they do at a Reynolds number below 0.01, so does Stokes's law."""
    diameter, particle, fluid, viscosity = inputs.T
    velocity = outputs[:, 0]
    reynolds = fluid * velocity * diameter / viscosity
    drag = np.where(reynolds < 0.01, 24.0 / reynolds, find("sphere_drag").truth(reynolds[:, None])[:, 0])
    weight = np.pi / 6.0 * diameter**3 * (particle - fluid) * 9.80665
    close(drag * np.pi / 8.0 * diameter**2 * fluid * velocity**2, weight, rtol=ITERATION)


@checks("steam_if97")
def steam_if97(inputs, outputs, truth):
    """cp = (dh/dT) and cp / T = (ds/dT) at constant pressure; h and rho as IAPWS-95, of which IF97 is a fast copy."""
    from CoolProp.CoolProp import PropsSI

    pressure, temperature = inputs.T
    step = 1e-2
    shifted = [truth(np.stack([pressure, temperature + sign * step], axis=1)) for sign in (1.0, -1.0)]
    slopes = (shifted[0] - shifted[1]) / (2.0 * step)
    # Differences leave an error of step^2 over the square of the scale, some kelvin, on which cp bends.
    close(slopes[:, 0], outputs[:, 3], rtol=1e-5)
    close(slopes[:, 1], outputs[:, 3] / temperature, rtol=1e-5)
    # 0.2 kJ/kg and 0.05 %: the tolerances that IAPWS R7-97 was made to.
    few = slice(0, 100)
    close(outputs[few, 0], PropsSI("H", "T", temperature[few], "P", pressure[few], "Water"), rtol=0, atol=300.0)
    close(outputs[few, 2], PropsSI("D", "T", temperature[few], "P", pressure[few], "Water"), rtol=5e-4)
    # IAPWS R12-08, table 4: 32.619287 uPa s at 873.15 K and 1 kg/m3, which is this pressure.
    thin = truth(np.array([[402230.486919896, 873.15]]))[0]
    close(thin[[2, 4]], [1.0, 32.619287e-6], rtol=1e-7)


@checks("r134a_ph")
def r134a_ph(inputs, outputs, truth):
    """Back from temperature and density to pressure and enthalpy; CoolProp starts with the same reference state."""
    from CoolProp.CoolProp import PropsSI

    temperature, density = np.ascontiguousarray(outputs.T)
    # A liquid's pressure is its density's difference a thousandfold: a flash to 1e-10 leaves 1e-7.
    close(PropsSI("P", "T", temperature, "D", density, "R134a"), inputs[:, 0], rtol=1e-6)
    close(PropsSI("H", "T", temperature, "D", density, "R134a"), inputs[:, 1], rtol=1e-6)


@checks("humid_air", rows=60)
def humid_air(inputs, outputs, truth):
    """Air that takes up water of the wet bulb's temperature until it is saturated ends with the sum of both enthalpies."""
    from CoolProp.CoolProp import PropsSI

    temperature, humidity, pressure = np.ascontiguousarray(inputs.T)
    wet_bulb, ratio, enthalpy = np.ascontiguousarray(outputs.T)
    saturated = truth(np.stack([wet_bulb, np.ones_like(wet_bulb), pressure], axis=1))
    water = PropsSI("H", "T", wet_bulb, "P", pressure, "Water")
    # J/kg; 10 of them are 0.004 K of wet bulb.
    close(enthalpy + (saturated[:, 1] - ratio) * water, saturated[:, 2], rtol=0, atol=10.0)
    close(saturated[:, 0], wet_bulb, rtol=0, atol=1e-3)
    # Air raises the pressure of vapour over water by 0.3 to 0.6 % here (Hyland and Wexler 1983).
    vapour = humidity * 1.0045 * PropsSI("P", "T", temperature, "Q", 0, "Water")
    close(ratio, 0.621945 * vapour / (pressure - vapour), rtol=3e-3)
    # Both as ideal gases of constant heat capacity (ASHRAE Handbook, Fundamentals, chapter Psychrometrics).
    celsius = temperature - 273.15
    close(enthalpy, 1006.0 * celsius + ratio * (2.501e6 + 1860.0 * celsius), rtol=5e-3)


@checks("pipe_dp")
def pipe_dp(inputs, outputs, truth):
    """The three steps one by one, with Newton's friction, and water by IAPWS-95, within 0.01 % and 0.2 % of IF97's."""
    from CoolProp.CoolProp import PropsSI

    temperature, velocity, diameter, roughness = np.ascontiguousarray(inputs.T)

    def gradient(water):
        density, viscosity = (PropsSI(key, "T", temperature, "P", 1e6, water) for key in "DV")
        friction = newton_friction(density * velocity * diameter / viscosity, roughness / diameter)
        return friction / diameter * density * velocity**2 / 2.0

    close(outputs[:, 0], gradient("IF97::Water"))
    close(outputs[:, 0], gradient("Water"), rtol=1e-3)


@checks("r134a_cop", rows=60)
def r134a_cop(inputs, outputs, truth):
    """The cycle by CoolProp's other interface; and what the condenser gives off is the cooling and the work."""
    from CoolProp.CoolProp import PropsSI

    evaporator, condenser, superheat, efficiency = np.ascontiguousarray(inputs.T)
    low = PropsSI("P", "T", evaporator, "Q", 1, "R134a")
    high = PropsSI("P", "T", condenser, "Q", 0, "R134a")
    enthalpy, entropy = (PropsSI(key, "T", evaporator + superheat, "P", low, "R134a") for key in "HS")
    ideal = PropsSI("H", "P", high, "S", entropy, "R134a")
    liquid = PropsSI("H", "T", condenser, "Q", 0, "R134a")
    work = (ideal - enthalpy) / efficiency
    close(outputs[:, 0], (enthalpy - liquid) / work, rtol=ITERATION)
    discharge = PropsSI("H", "T", np.ascontiguousarray(outputs[:, 1]), "P", high, "R134a")
    close(discharge - liquid, enthalpy - liquid + work, rtol=ITERATION)


@pytest.mark.parametrize("name", CHECKS)
def test_a_truth_is_that_of_another_form(name):
    CHECKS[name](find(name).truth)


@pytest.mark.parametrize("name", CHECKS)
def test_a_truth_that_is_off_is_seen(name):
    truth, outputs = find(name).truth, len(find(name).outputs)
    for column in range(outputs):
        factor = np.ones(outputs)
        factor[column] = OFF.get((name, column), 1.001)
        with pytest.raises(AssertionError):
            CHECKS[name](lambda inputs, factor=factor: truth(inputs) * factor)


OFF = {("humid_air", 1): 1.01, ("humid_air", 2): 1.01}
"""Where a check sees less than one part in a thousand."""


# Where a book or a standard prints a value, with the digits it prints.
PUBLISHED = [
    # Incropera et al., 7th ed., examples 7.4 and 9.2, and table 5.1 with eq. 5.43.
    ("churchill_bernstein", (6071.0, 0.7), (40.6,), 1e-3),
    ("churchill_chu", (1.813e9, 0.690), (147.0,), 2e-3),
    ("heisler_wall", (1.0, 1.0, 0.0), (1.1191 * np.exp(-(0.8603**2)),), 2e-4),
    ("moody_all", (1000.0, 1e-3), (64.0 / 1000.0,), 1e-9),
    # IAPWS R7-97, table 15; mu is not in it.
    (
        "steam_if97",
        (3500.0, 700.0),
        (0.333568375e7, 0.101749996e5, 1.0 / 0.923015898e2, 0.208141274e4, np.nan),
        1e-8,
    ),
    # ASHRAE Handbook, Fundamentals, thermophysical properties of refrigerants: R134a at 0 C, half liquid, half vapour.
    ("r134a_ph", (292.80e3, (200.00e3 + 398.60e3) / 2.0), (273.15, 2.0 / (1.0 / 1294.8 + 0.069309)), 1e-4),
    # The ASHRAE psychrometric chart at 25 C and half saturation: 17.9 C, 9.93 g/kg, 50.4 kJ/kg.
    ("humid_air", (298.15, 0.5, 101325.0), (273.15 + 17.9, 9.93e-3, 50.4e3), 1e-3),
]


@pytest.mark.parametrize(("name", "inputs", "outputs", "rtol"), PUBLISHED)
def test_a_truth_is_what_was_published(name, inputs, outputs, rtol):
    (values,) = find(name).truth(np.array([inputs]))
    given = ~np.isnan(outputs)
    close(values[given], np.array(outputs)[given], rtol=rtol)


def test_the_correction_factor_is_whole_at_equal_heat_capacity_rates():
    """At R = 1 exactly, and next to it, where the printed form divides 0 by 0."""
    from ht import F_LMTD_Fakheri

    truth = find("lmtd_F").truth
    exact = F_LMTD_Fakheri(1.0, 0.5, 0.0, 0.5, shells=1)
    for ratio in (1.0, 1.0 + 2**-52, 1.0 - 2**-53, 1.0 + 1e-13):
        close(truth(np.array([[ratio, 0.5]])), exact)
    inputs = spread(find("lmtd_F").inputs, np.random.default_rng(2).random((200, 2)) * [1.0, 0.05])
    ratio, effectiveness = inputs[np.abs(inputs[:, 0] - 1.0) > 0.01].T
    fakheri = [F_LMTD_Fakheri(1.0, 1.0 - r * p, 0.0, p, shells=1) for r, p in zip(ratio, effectiveness, strict=True)]
    close(truth(np.stack([ratio, effectiveness], axis=1))[:, 0], fakheri, rtol=1e-9)


def test_roots_of_the_wall_are_roots():
    from parity.problems.heisler_wall import roots

    biot = np.geomspace(0.01, 100.0, 50)
    zeta = roots(biot, 16)
    assert ((zeta > np.pi * np.arange(16)) & (zeta < np.pi * (np.arange(16) + 0.5))).all()
    close(zeta * np.sin(zeta), biot[:, None] * np.cos(zeta), rtol=0, atol=1e-12)
    # Carslaw and Jaeger 1959, appendix IV, print four digits: the first four roots of Bi = 1.
    close(roots(np.array([1.0]), 4)[0], [0.8603, 3.4256, 6.4373, 9.5293], rtol=0, atol=5e-5)
