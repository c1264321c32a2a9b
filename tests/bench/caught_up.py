"""After a load of every kind of command: what was answered is in the store, in the read models and in the history.

The versions in the answers' Consistency-Token say how many commits were answered. Checked against them: the sum of the
documents' versions by the lists, each single document, the commits in the store's file, and the histories of a sample.
"""
import argparse
import os
import random
import sqlite3
import threading
import time

from desk import Desk, report


class Written:
    """The newest version answered for each stream."""

    def __init__(self):
        self.lock, self.versions, self.commands, self.parent = threading.Lock(), {}, 0, {}

    def note(self, answer):
        with self.lock:
            self.commands += 1
            for part in answer.header("consistency-token").split(","):
                stream, _, version = part.strip().rpartition("@")
                self.versions[stream] = max(self.versions.get(stream, 0), int(version))
        return answer

    def of(self, kind):
        return {s.split("-", 1)[1]: v for s, v in self.versions.items() if s.startswith(kind + "-")}


def work(desk, written, seed, until, wrong):
    pick, caller, tickets, n = random.Random(seed), desk.another(), [], 0
    try:
        while time.monotonic() < until:
            n += 1
            chance = pick.random()
            if chance < 0.4 or not tickets:
                answer = written.note(caller.ask("POST", "/tickets", desk.ticket(f"{seed}.{n}")).expect(201))
                tickets.append(answer.json()["id"])
                continue
            ticket = pick.choice(tickets[-50:])
            if chance < 0.6:
                status = pick.choice(["open", "pending", "on_hold"])
                answer = caller.ask("PUT", f"/tickets/{ticket}/status", {"status": status})
                if answer.status == 200:  # a refused move writes nothing
                    written.note(answer)
            elif chance < 0.7:
                written.note(caller.ask("PUT", f"/tickets/{ticket}/tags/t{pick.randrange(9)}").expect(200))
            else:
                body = {"visibility": pick.choice(["public", "internal"]), "body": f"Message {n}"}
                answer = written.note(caller.ask("POST", f"/tickets/{ticket}/messages", body).expect(201))
                message = answer.json()["id"]
                with written.lock:
                    written.parent[message] = ticket
                if chance > 0.9:
                    written.note(caller.ask("PATCH", f"/tickets/{ticket}/messages/{message}", {"body": "Edited"},
                                            ).expect(200))
    except Exception as error:
        wrong.append(error)


def pages(desk, path):
    cursor = ""
    while True:
        page = desk.caller.ask("GET", f"{path}?limit=100{cursor}").expect(200).json()
        yield from page["data"]
        if not page["page"]["has_more"]:
            return
        cursor = f"&cursor={page['page']['next_cursor']}"


def commits_in(desk):
    store = sqlite3.connect(f"file:{os.path.join(desk.data, 'store.db')}?mode=ro", uri=True)
    try:
        return store.execute("SELECT count(*) FROM commits").fetchone()[0]
    finally:
        store.close()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--connections", type=int, default=16)
    p.add_argument("--histories", type=int, default=200)
    a = p.parse_args()
    with Desk() as desk:
        before, written, wrong = commits_in(desk), Written(), []
        until = time.monotonic() + a.seconds
        threads = [threading.Thread(target=work, args=(desk, written, seed, until, wrong)) for seed in range(a.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if wrong:
            raise wrong[0]
        stopped = time.monotonic()
        answered = sum(written.versions.values())
        tickets, messages = written.of("ticket"), written.of("message")
        desk.until(lambda: desk.total("/tickets") == len(tickets) and desk.total("/messages") == len(messages), "as many documents as streams")
        shown = {}

        def all_shown():
            shown["tickets"] = {one["id"]: one["version"] for one in pages(desk, "/tickets")}
            shown["messages"] = {one["id"]: one["version"] for one in pages(desk, "/messages")}
            return shown == {"tickets": tickets, "messages": messages}

        desk.until(all_shown, "every document at its answered version")
        caught_up = time.monotonic() - stopped
        documents = sum(sum(view.values()) for view in shown.values())
        stored = commits_in(desk) - before
        expected = dict(tickets)
        for message, ticket in written.parent.items():
            expected[ticket] += messages[message]
        sample = random.Random(1).sample(sorted(tickets), min(a.histories, len(tickets)))

        def gapless():
            for ticket in sample:
                entries = list(pages(desk, f"/tickets/{ticket}/history"))
                if len(entries) < expected[ticket]:
                    return False
            return True

        desk.until(gapless, "histories as long as what was written")
    rows = [("", "commits"), ("answered", answered), ("in the store", stored), ("sum of documents", documents),
            ("streams", len(written.versions)), ("histories looked at", len(sample)), ("seconds to all of it", f"{caught_up:.2f}")]
    result = {"commands": written.commands, "answered": answered, "stored": stored, "documents": documents,
              "histories": len(sample), "caught_up_s": round(caught_up, 2)}
    report("caught-up", rows, result, ("answered = stored = sum of documents", answered == stored == documents))


if __name__ == "__main__":
    main()
