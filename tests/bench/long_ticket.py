"""What a command costs on a ticket with 10,000 messages, beside one with 10.

Commands on either are interleaved. Time is the caller's median; CPU is the whole server's over a block of commands and
until they are visible, projections included. Storage reads are counted by a test of their own.
"""
import argparse
import statistics
import time

from desk import Desk, in_parallel, report

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


def timed(desk, command, ticket, n, into):
    started = time.perf_counter()
    answer = command(desk.caller, ticket, n)
    into.append(time.perf_counter() - started)
    return answer


def times(desk, command, tickets, count):
    """The caller's times, the tickets in turn, so that what else the machine does meets both alike."""
    took = {ticket: [] for ticket in tickets}
    for n in range(count):
        for ticket in tickets if n % 2 else reversed(tickets):
            timed(desk, command, ticket, n, took[ticket])
    return [statistics.median(took[ticket]) for ticket in tickets]


def cpu(desk, command, tickets, blocks):
    """The server's CPU per command, until it is visible, by blocks on one ticket or the other."""
    used = {ticket: [] for ticket in tickets}
    for turn in range(blocks):
        for ticket in tickets if turn % 2 else reversed(tickets):
            before = desk.cpu_seconds()
            for n in range(BLOCK):
                answer = command(desk.caller, ticket, n)
            seen = f"Consistency-Token: {answer.header('consistency-token')}\r\n"
            desk.caller.ask("GET", f"/tickets/{ticket}", None, seen).expect(200)
            used[ticket].append((desk.cpu_seconds() - before) / BLOCK)
    return [statistics.median(used[ticket]) for ticket in tickets]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--long", type=int, default=10000)
    p.add_argument("--short", type=int, default=10)
    p.add_argument("--commands", type=int, default=1000, help="on either ticket, for the times")
    p.add_argument("--blocks", type=int, default=10, help=f"of {BLOCK} commands on either ticket, for the CPU")
    a = p.parse_args()
    rows, worst = [("command", "short ms", "long ms", "ratio", "short CPU us", "long CPU us", "ratio")], 0
    result = {"long": a.long, "short": a.short}
    with Desk() as desk:
        tickets = [converse(desk, a.short), converse(desk, a.long)]
        desk.settle()
        for name, command in (("move", move), ("post a note", post)):
            times(desk, command, tickets, 50)  # warms caches, and the status is one that the moves leave
            ms = [t * 1e3 for t in times(desk, command, tickets, a.commands)]
            us = [t * 1e6 for t in cpu(desk, command, tickets, a.blocks)]
            ratio, cpu_ratio = ms[1] / ms[0], us[1] / us[0]
            rows.append((name, f"{ms[0]:.3f}", f"{ms[1]:.3f}", f"{ratio:.2f}", f"{us[0]:.0f}", f"{us[1]:.0f}", f"{cpu_ratio:.2f}"))
            result[name.replace(" ", "_")] = {"short_ms": round(ms[0], 3), "long_ms": round(ms[1], 3), "ratio": round(ratio, 3),
                                              "short_cpu_us": round(us[0]), "long_cpu_us": round(us[1]), "cpu_ratio": round(cpu_ratio, 3)}
            worst = max(worst, ratio, cpu_ratio)
    report("long-ticket", rows, result, ("at most 1.2 times, in time and in CPU", worst <= 1.2))


if __name__ == "__main__":
    main()
