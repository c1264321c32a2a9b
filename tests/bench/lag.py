"""From a command's answer to the first GET on another connection that shows it, under 500 commands a second."""
import argparse
import multiprocessing
import time

from desk import Desk, percentile, report

PROBES = 2
LOADERS = 4


def paced(rate, until):
    """Yields at even times; what is late is caught up, so that the rate holds."""
    due = time.perf_counter()
    while due < until:
        wait = due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        yield
        due += 1 / rate


def commands(desk, caller):
    """Commands without end, in turn a new ticket and a move of one: (path to look at, how it shows, answered at)."""
    n, tickets = 0, []
    while True:
        n += 1
        if n % 2 or not tickets:
            made = caller.ask("POST", "/tickets", desk.ticket(n)).expect(201)
            at, ticket = time.perf_counter(), made.json()["id"]
            tickets.append([ticket, "new"])
            yield f"/tickets/{ticket}", '"status":"new"', at
        else:
            one = tickets[n // 2 % len(tickets)]
            one[1] = "pending" if one[1] == "open" else "open"
            caller.ask("PUT", f"/tickets/{one[0]}/status", {"status": one[1]}).expect(200)
            yield f"/tickets/{one[0]}", f'"status":"{one[1]}"', time.perf_counter()


def load(desk, rate, until, out):
    done, caller = 0, desk.another()
    stream = commands(desk, caller)
    for _ in paced(rate, until):
        next(stream)
        done += 1
    out.put(("load", done))


def probe(desk, rate, until, out):
    caller, other, samples, looks = desk.another(), desk.another(), [], []
    stream = commands(desk, caller)
    other.ask("GET", "/tickets?limit=1").expect(200)
    for _ in paced(rate, until):
        path, shown, answered = next(stream)
        shown = shown.encode()
        while True:
            asked = time.perf_counter()
            answer = other.ask("GET", path)
            seen = time.perf_counter()
            looks.append(seen - asked)
            if answer.status == 200 and shown in answer.body.replace(b": ", b":"):
                break
            if seen - answered > 10:
                raise RuntimeError(f"{path} never showed {shown!r}: {answer.status} {answer.body[:300]!r}")
        samples.append(seen - answered)
    out.put(("probe", samples, looks))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--rate", type=int, default=500, help="commands a second, all connections together")
    p.add_argument("--probed", type=int, default=50, help="so many of them are looked for")
    p.add_argument("--seconds", type=int, default=20)
    p.add_argument("--stored", type=int, default=10000)
    a = p.parse_args()
    with Desk() as desk:
        desk.fill(a.stored)
        desk.settle()
        # Threads would wait for each other's turn at the interpreter: five milliseconds, more than the lag itself.
        spawn, out = multiprocessing.get_context("fork"), multiprocessing.get_context("fork").Queue()
        desk.process.stdout, stdout = None, desk.process.stdout
        started, cpu = time.perf_counter(), desk.cpu_seconds()
        until = started + a.seconds
        workers = [spawn.Process(target=load, args=(desk, (a.rate - a.probed) / LOADERS, until, out)) for _ in range(LOADERS)]
        workers += [spawn.Process(target=probe, args=(desk, a.probed / PROBES, until, out)) for _ in range(PROBES)]
        for worker in workers:
            worker.start()
        told = []
        while len(told) < len(workers):
            if any(worker.exitcode for worker in workers):
                break
            try:
                told.append(out.get(timeout=1))
            except Exception:
                if time.perf_counter() > until + 30:
                    break
        for worker in workers:
            worker.join(1)
            if worker.is_alive():
                worker.terminate()
        took, cpu = time.perf_counter() - started, desk.cpu_seconds() - cpu
        desk.process.stdout = stdout
        if len(told) < len(workers):
            raise RuntimeError("a worker failed; its traceback stands above")
    samples = [s * 1e3 for one in told if one[0] == "probe" for s in one[1]]
    looks = [s * 1e3 for one in told if one[0] == "probe" for s in one[2]]
    commands_done = sum(one[1] for one in told if one[0] == "load") + len(samples)
    rate = commands_done / a.seconds
    result = {
        "commands_per_s": round(rate, 1), "probes": len(samples), "server_cpu_share": round(cpu / took, 3),
        "lag_ms": {"p50": round(percentile(samples, 0.5), 2), "p90": round(percentile(samples, 0.9), 2),
                   "p99": round(percentile(samples, 0.99), 2), "max": round(max(samples), 2)},
        "get_ms": {"p50": round(percentile(looks, 0.5), 2), "p99": round(percentile(looks, 0.99), 2)},
    }
    rows = [("", "p50 ms", "p90 ms", "p99 ms", "max ms"),
            ("answer to visible", *(f"{result['lag_ms'][k]:.2f}" for k in ("p50", "p90", "p99", "max"))),
            ("one look (GET)", f"{result['get_ms']['p50']:.2f}", "", f"{result['get_ms']['p99']:.2f}", ""),
            ("commands/s", f"{rate:.0f}", "", "", ""), ("server CPU", f"{cpu / took:.0%}", "", "", "")]
    enough = rate > 0.95 * a.rate
    report("lag", rows, result, (f"p99 at most 50 ms under {a.rate} commands/s", enough and result["lag_ms"]["p99"] <= 50))


if __name__ == "__main__":
    main()
