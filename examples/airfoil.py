"""Writes airfoil.csv: third-octave levels of the noise of an airfoil's trailing edge, computed and not measured.

    python examples/airfoil.py
    parity run airfoil.csv --inputs frequency_Hz,angle_deg,chord_m,velocity_m_s,displacement_m --target SPL_dB \
        --log frequency_Hz,displacement_m

The law is that of Brooks, Pope and Marcolini, Airfoil Self-Noise and Prediction, NASA RP-1218, 1989: noise of the turbulent
boundary layer at the trailing edge of a NACA 0012 that is tripped, at angles where the flow is attached. Its constants are
those of the report; the conditions are our own, drawn from a seed, and so is what a measurement would add: a scatter of 5 % in
the displacement thickness, which the noise follows, 0.5 dB in each level, and no level below 30 dB, which a tunnel would drown.
No network can do better than those 0.5 dB.
"""

import csv
import sys
from math import log10, sqrt

import numpy as np

SPAN, DISTANCE = 0.46, 1.22  # m, with the observer at right angles to chord and span, where the directivity is 1
SOUND, VISCOSITY = 340.0, 1.5e-5  # m/s, m2/s
CONDITIONS = 75
BANDS = [250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000, 10000, 12500]  # Hz
SCATTER, NOISE, QUIETEST = 0.05, 0.5, 30.0  # of the displacement thickness; dB; dB
SEED = 1989


def thickness(chord, velocity):
    """Displacement thickness at zero angle, m."""
    reynolds = velocity * chord / VISCOSITY
    if reynolds <= 3e5:
        return chord * 0.0601 * reynolds**-0.114
    return chord * 10 ** (3.411 - 1.5397 * log10(reynolds) + 0.1059 * log10(reynolds) ** 2)


def suction_side(angle):
    """Displacement thickness over that at zero angle, up to 12.5 degrees."""
    return 10 ** (0.0679 * angle) if angle <= 5 else 0.381 * 10 ** (0.1516 * angle)


def pressure_side(angle):
    """Displacement thickness over that at zero angle."""
    return 10 ** (-0.0432 * angle + 0.00113 * angle**2)


def narrowest_a(a):
    """Spectral shape A at the lowest Reynolds number, dB; a is the distance from the peak in decades of the Strouhal number."""
    if a < 0.204:
        return sqrt(67.552 - 886.788 * a**2) - 8.219
    if a <= 0.244:
        return -32.665 * a + 3.981
    return -142.795 * a**3 + 103.656 * a**2 - 57.757 * a + 6.006


def widest_a(a):
    """Spectral shape A at the highest Reynolds number, dB."""
    if a < 0.13:
        return sqrt(67.552 - 886.788 * a**2) - 8.219
    if a <= 0.321:
        return -15.901 * a + 1.098
    return -4.669 * a**3 + 3.491 * a**2 - 16.699 * a + 1.149


def narrowest_b(b):
    """Spectral shape B, of noise that comes with the angle, at the lowest Reynolds number, dB."""
    if b < 0.13:
        return sqrt(16.888 - 886.788 * b**2) - 4.109
    if b <= 0.145:
        return -83.607 * b + 8.138
    return -817.810 * b**3 + 355.210 * b**2 - 135.024 * b + 10.619


def widest_b(b):
    """Spectral shape B at the highest Reynolds number, dB."""
    if b < 0.10:
        return sqrt(16.888 - 886.788 * b**2) - 4.109
    if b <= 0.187:
        return -31.330 * b + 1.854
    return -80.541 * b**3 + 44.174 * b**2 - 39.381 * b + 2.344


def shape(ratio, reynolds, narrowest, widest, at_20_decibels, curvature):
    """Between the two shapes, so that the level is 20 dB down at a distance that grows with the Reynolds number."""
    low, high = at_20_decibels
    down = low if reynolds < 9.52e4 else high - curvature * (min(reynolds, 8.57e5) - 8.57e5) ** 2
    share = (-20 - narrowest(down)) / (widest(down) - narrowest(down))
    distance = abs(log10(ratio))
    return narrowest(distance) + share * (widest(distance) - narrowest(distance))


def shape_a(ratio, reynolds):
    return shape(ratio, reynolds, narrowest_a, widest_a, (0.57, 1.13), 9.57e-13)


def shape_b(ratio, reynolds):
    return shape(ratio, reynolds, narrowest_b, widest_b, (0.30, 0.56), 4.48e-13)


def amplitude(reynolds):
    """K1, dB."""
    if reynolds < 2.47e5:
        return -4.31 * log10(reynolds) + 156.3
    return -9.0 * log10(reynolds) + 181.6 if reynolds < 8e5 else 128.5


def amplitude_of_angle(reynolds, mach, angle):
    """K2, dB."""
    width, middle, height, base = (
        27.094 * mach + 3.31,
        23.43 * mach + 4.651,
        72.65 * mach + 10.74,
        -34.19 * mach - 13.82,
    )
    if angle < middle - width:
        return amplitude(reynolds) - 1000
    return amplitude(reynolds) + sqrt(height**2 - (height / width * (angle - middle)) ** 2) + base


def level(frequency, angle, chord, velocity, suction):
    """Sound pressure level of a third-octave band, dB re 20 uPa; `suction` is the displacement thickness there, m."""
    reynolds, mach = velocity * chord / VISCOSITY, velocity / SOUND
    pressure = thickness(chord, velocity) * pressure_side(angle)
    peak = 0.02 * mach**-0.6
    peak_of_angle = peak * (1.0 if angle < 1.33 else 10 ** (0.0054 * (angle - 1.33) ** 2))
    peak_of_suction = (peak + peak_of_angle) / 2
    strouhal_suction, strouhal_pressure = frequency * suction / velocity, frequency * pressure / velocity
    on_pressure_side = velocity * pressure / VISCOSITY
    fewer = angle * (1.43 * log10(on_pressure_side) - 5.29) if on_pressure_side <= 5000 else 0.0
    parts = [
        (pressure, shape_a(strouhal_pressure / peak, reynolds) + amplitude(reynolds) - 3 + fewer),
        (suction, shape_a(strouhal_suction / peak_of_suction, reynolds) + amplitude(reynolds) - 3),
        (
            suction,
            shape_b(strouhal_suction / peak_of_angle, reynolds) + amplitude_of_angle(reynolds, mach, angle),
        ),
    ]
    powers = [layer * mach**5 * SPAN / DISTANCE**2 * 10 ** (decibels / 10) for layer, decibels in parts]
    return 10 * log10(sum(powers))


def main(path="airfoil.csv"):
    random = np.random.default_rng(SEED)
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["frequency_Hz", "angle_deg", "chord_m", "velocity_m_s", "displacement_m", "SPL_dB"])
        for _ in range(CONDITIONS):
            angle, chord, velocity = random.uniform(0, 6), random.uniform(0.05, 0.3), random.uniform(30, 70)
            angle, chord, velocity = round(angle, 1), round(chord, 3), round(velocity, 1)
            layer = thickness(chord, velocity) * suction_side(angle) * np.exp(random.normal(0, SCATTER))
            for frequency in BANDS:
                heard = level(frequency, angle, chord, velocity, layer) + random.normal(0, NOISE)
                if heard >= QUIETEST:
                    table.writerow([frequency, angle, chord, velocity, f"{layer:.6f}", f"{heard:.2f}"])


if __name__ == "__main__":
    main(*sys.argv[1:])
