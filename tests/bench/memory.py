"""Resident memory of a server with 10,000 tickets, once it has settled."""
import argparse
import os

from desk import Desk, report


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--stored", type=int, default=10000)
    a = p.parse_args()
    with Desk() as desk:
        empty = desk.memory()
        desk.fill(a.stored)
        desk.settle()
        full = desk.memory()
        files = {}
        for name in sorted(os.listdir(desk.data)):
            path = os.path.join(desk.data, name)
            if os.path.isfile(path):
                files[name] = round(os.path.getsize(path) / 2**20, 2)
    rows = [("MiB", "RSS", "PSS", "anonymous", "peak")]
    for what, m in (("no tickets", empty), (f"{a.stored} tickets", full)):
        rows.append((what, *(f"{m[k]:.1f}" for k in ("Rss", "Pss", "Anonymous", "VmHWM"))))
    result = {"tickets": a.stored, "empty_mib": empty, "mib": full, "files_mib": files}
    report("memory", rows, result, ("resident at most 120 MB", full["Rss"] * 2**20 <= 120e6))


if __name__ == "__main__":
    main()
