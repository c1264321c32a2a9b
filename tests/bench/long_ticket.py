"""What a command costs on a ticket with 10,000 messages, beside one with 10.

Blocks of commands on either are interleaved. Time is the caller's median; CPU is the whole server's over a block and
until its commands are visible, projections included. Storage reads are counted by a test of their own.
"""
import argparse
import statistics
import time

from desk import Desk, in_parallel, percentile, report

BLOCK = 100


def converse(desk, count):
    ticket = desk.caller.ask("POST", "/tickets", desk.ticket(count)).expect(201).json()["id"]
    in_parallel(16, count, lambda caller, n: caller.ask(
        "POST", f"/tickets/{ticket}/messages", {"visibility": "public", "body": f"Line {n} of a conversation."}).expect(201), desk.another)
    desk.until(lambda: desk.caller.ask("GET", f"/tickets/{ticket}").expect(200).json()["message_count"] == count, f"{count} messages")
    return ticket


def move(caller, ticket, n):
    return caller.ask("PUT", f"/tickets/{ticket}/status", {"status": "pending" if n % 2 else "on_hold"}).expect(200)


def post(caller, ticket, n):
    return caller.ask("POST", f"/tickets/{ticket}/messages", {"visibility": "internal", "body": f"Note {n}."}).expect(201)


def block(desk, command, ticket, first):
    times, cpu, answer = [], desk.cpu_seconds(), None
    for n in range(first, first + BLOCK):
        t0 = time.perf_counter()
        answer = command(desk.caller, ticket, n)
        times.append(time.perf_counter() - t0)
    token = answer.header("consistency-token")
    desk.caller.ask("GET", f"/tickets/{ticket}", None, f"Consistency-Token: {token}\r\n").expect(200)
    return times, (desk.cpu_seconds() - cpu) / BLOCK


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--long", type=int, default=10000)
    p.add_argument("--short", type=int, default=10)
    p.add_argument("--blocks", type=int, default=12)
    a = p.parse_args()
    rows, result, worst = [("command", "short ms", "long ms", "ratio", "short CPU us", "long CPU us", "ratio")], {"long": a.long, "short": a.short}, 0
    with Desk() as desk:
        short, long = converse(desk, a.short), converse(desk, a.long)
        desk.settle()
        for name, command in (("move", move), ("post a note", post)):
            for ticket in (short, long):  # caches, and a status that both commands may leave
                block(desk, command, ticket, 0)
            times, cpu = {short: [], long: []}, {short: [], long: []}
            for turn in range(a.blocks):
                for ticket in (short, long) if turn % 2 else (long, short):
                    took, used = block(desk, command, ticket, turn * BLOCK)
                    times[ticket].append(percentile(took, 0.5))
                    cpu[ticket].append(used)
            ratio = statistics.median(x / y for x, y in zip(times[long], times[short]))
            cpu_ratio = statistics.median(x / y for x, y in zip(cpu[long], cpu[short]))
            ms, us = [statistics.median(times[t]) * 1e3 for t in (short, long)], [statistics.median(cpu[t]) * 1e6 for t in (short, long)]
            rows.append((name, f"{ms[0]:.3f}", f"{ms[1]:.3f}", f"{ratio:.2f}", f"{us[0]:.0f}", f"{us[1]:.0f}", f"{cpu_ratio:.2f}"))
            result[name.replace(" ", "_")] = {"short_ms": round(ms[0], 3), "long_ms": round(ms[1], 3), "ratio": round(ratio, 3),
                                              "short_cpu_us": round(us[0]), "long_cpu_us": round(us[1]), "cpu_ratio": round(cpu_ratio, 3)}
            worst = max(worst, ratio, cpu_ratio)
    report("long-ticket", rows, result, ("at most 1.2 times, in time and in CPU", worst <= 1.2))


if __name__ == "__main__":
    main()
