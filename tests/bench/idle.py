"""CPU that a server with 10,000 tickets uses while nobody asks anything."""
import argparse
import time

from desk import Desk, report


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--stored", type=int, default=10000)
    p.add_argument("--seconds", type=int, default=60)
    a = p.parse_args()
    with Desk() as desk:
        desk.fill(a.stored)
        desk.settle()
        before, started = desk.cpu_seconds(), time.monotonic()
        time.sleep(a.seconds)
        used, took = desk.cpu_seconds() - before, time.monotonic() - started
    share = used / took
    rows = [("", "CPU ms", "seconds", "% of a core"), ("idle", f"{used * 1e3:.1f}", f"{took:.0f}", f"{share:.3%}")]
    result = {"tickets": a.stored, "seconds": round(took, 1), "cpu_ms": round(used * 1e3, 2), "share": round(share, 6)}
    report("idle", rows, result, ("less than 1 % of a core", share < 0.01))


if __name__ == "__main__":
    main()
