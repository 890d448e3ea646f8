"""`python -m benchmarks.diagnosis [seen|unseen]...`: diagnose every script of the benchmark, and say how often it is right."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent


def main(halves: list[str]) -> None:
    for half in halves:
        labels = tomllib.loads((HERE / half / "labels.toml").read_text())
        names = [n for n in labels if not ONLY or n in ONLY]
        right = among = alarms = 0
        for name in names:
            label = labels[name]
            done = subprocess.run(
                [sys.executable, "-m", "parity", "diagnose", str(HERE / half / f"{name}.py"), "--json"],
                capture_output=True,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                check=False,
            )
            try:
                told = json.loads(done.stdout)
            except ValueError:
                print(name, "CRASH", done.stderr[-600:])
                continue
            codes = [f["code"] for f in told["findings"] if f["severity"] != "hint"]
            hints = [f["code"] for f in told["findings"] if f["severity"] == "hint"]
            causes = label["causes"]
            accepted = {c: {c, *label.get("accept", {}).get(c, [])} for c in causes}
            ok = (codes[:1] and codes[0] in accepted[causes[0]]) if causes else not codes
            inn = all(set(codes) & accepted[c] for c in causes)
            right += bool(ok)
            among += bool(inn)
            net = told["networks"]
            print(
                f"{'ok ' if ok else 'in ' if causes and set(codes) & accepted[causes[0]] else 'NO '} {name:28} {label['framework']:5} want {causes} got {codes} hints {hints} score {label['score']} {[round(n['score'], 3) if isinstance(n['score'], float) else n['score'] for n in net]} {[n['baselines'].get('attainable') for n in net]} {told['seconds']:.0f}s {told['notes']} {[u for n in net for u in n['unchecked']][:2]} {told['ended']}",
                flush=True,
            )
        print(half, right, len(names))


ONLY: set[str] = set()
if __name__ == "__main__":
    ONLY = set(sys.argv[2:])
    main(sys.argv[1:2] or ["seen"])
