"""Requests a second beside other ticket servers, by http_compare.py of the bench folder, and its bounds.

The folder (--bench-dir, or BENCH_DIR, or ../shared/bench beside the project) holds http_compare.py, targets.json and
the other servers, built as its README says. What was not built is left out. All further arguments go to
http_compare.py; --only, --rounds and --seconds are the useful ones.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# workload, connections, peer, at least so many times the peer's requests a second
BOUNDS = [("W1", (64,), "axum-group", 0.35), ("W2", (1, 16, 64), "axum", 0.7), ("W3", (1, 16, 64), "axum", 0.6),
          ("W4", (1, 16, 64), "axum-group", 0.5)]
BOUNDS += [(w, (16, 64), "fastapi-tuned", 10.0) for w in ("W1", "W2", "W3", "W4")]
NAMES = {"W1": "create", "W2": "get by id", "W3": "list of 50", "W4": "mixed", "W5": "login"}


def bounds(path):
    """Each bound with the median over the rounds of the ratio inside a round."""
    with open(path) as f:
        runs = json.load(f)["runs"]
    rows = []
    for workload, connections, peer, least in BOUNDS:
        for conc in connections:
            rps = {(r["target"], r["round"]): r["rps"] for r in runs if (r["workload"], r["conc"]) == (workload, conc)}
            pairs = [(v, rps[(peer, n)]) for (name, n), v in rps.items() if name == "eventdesk" and rps.get((peer, n))]
            if pairs:
                ratio = statistics.median(own / other for own, other in pairs)
                rows.append({"workload": NAMES[workload], "connections": conc, "peer": peer, "ratio": round(ratio, 4), "least": least,
                             "eventdesk": round(statistics.median(x for x, _ in pairs)), "other": round(statistics.median(y for _, y in pairs))})
    print(f"{'workload':<12}{'conn.':>6}{'eventdesk/s':>13}{'peer/s':>10}  {'peer':<15}{'ratio':>8}{'bound':>7}")
    for row in rows:
        verdict = "" if row["ratio"] >= row["least"] else "  MISSED"
        print(f"{row['workload']:<12}{row['connections']:>6}{row['eventdesk']:>13,}{row['other']:>10,}  {row['peer']:<15}{row['ratio']:>8.3f}{row['least']:>7.2f}{verdict}")
    print(json.dumps({"bench": "compare", "bounds": rows}))
    return all(row["ratio"] >= row["least"] for row in rows)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bench-dir", default=os.environ.get("BENCH_DIR") or os.path.join(os.path.dirname(ROOT), "shared", "bench"))
    p.add_argument("--if-there", action="store_true", help="without the folder or wrk: say so and succeed")
    p.add_argument("--bounds", metavar="JSON", help="measure nothing: judge this file of http_compare.py")
    a, rest = p.parse_known_args()
    if a.bounds:
        sys.exit(0 if bounds(a.bounds) else 1)
    folder, tool = os.path.abspath(a.bench_dir), os.path.join(os.path.abspath(a.bench_dir), "http_compare.py")
    missing = f"no http_compare.py in {folder}: name its folder with --bench-dir or BENCH_DIR" if not os.path.isfile(tool) else \
        "wrk, the load tool, is not installed" if not shutil.which("wrk") else None
    if missing:
        print(missing, file=sys.stderr)
        sys.exit(0 if a.if_there else 2)
    python = os.path.join(folder, ".venv", "bin", "python")
    names = ["eventdesk"]
    if os.access(python, os.X_OK):
        names.append("fastapi-tuned")
    if os.access(os.path.join(folder, "peer_axum", "target", "release", "peer-axum"), os.X_OK):
        names += ["axum", "axum-group"]
    for name in {"fastapi-tuned", "axum", "axum-group"} - set(names):
        print(f"{name} is not built in {folder}: left out", file=sys.stderr)
    out = os.path.join(HERE, "results", "compare")
    command = [sys.executable, tool, "--config", os.path.join(folder, "targets.json"), "--config", os.path.join(HERE, "targets.json"), "--out", out]
    if "--only" not in rest:
        command += ["--only", ",".join(names)]
    if os.access(python, os.X_OK):
        command += ["--python", python]
    done = subprocess.run(command + rest).returncode
    if done:
        sys.exit(done)
    sys.exit(0 if bounds(out + ".json") else 1)


if __name__ == "__main__":
    main()
