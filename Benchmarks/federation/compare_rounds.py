#!/usr/bin/env python3
"""Rounds of a federation beside Flower, with real processes on this machine and TLS on both sides.

Ours: `tacit federation serve` and one `join` for every site, mutual TLS, every message on the disk before it is answered,
evaluation at the sites in every round. Theirs: flower-superlink (state in memory), a FedAvg ServerApp, one flower-supernode
for every site, TLS with signed requests of the nodes, no evaluation. Training is next to nothing on both sides: one step on
sixteen rows of ours, one addition in theirs. A round is the time from the end of one to the end of the next, its processor
time that of all processes, server memory the peak of the coordinator, or of SuperLink and ServerApp together.

Prints one JSON object a line; a ratio above 1 means that we are faster. Bytes are those of all messages of a round without
the framing of HTTP/2 and TLS.

  python3 Benchmarks/federation/compare_rounds.py .build/release/tacit [--flower PYTHON] [--cases 2:10000,10:1000000]
"""
import argparse
import json
import os
import queue
import random
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

import flower_rounds
from processes import Crew, peak

# Hidden units of two layers on four columns, for that many parameters and a few more.
HIDDEN = {10_000: 97, 1_000_000: 997, 10_000_000: 3159}
# What fits a machine of 24 GB beside other work; a site takes 0.25 GB at 10^6 parameters and 0.8 GB at 10^7.
CASES = "2:10000,10:10000,50:10000,2:1000000,10:1000000,2:10000000"


def parameters_of(hidden):
    return 4 * hidden + hidden + hidden * hidden + hidden + hidden + 1


def write_tables(folder, sites):
    column = {"type": "number", "role": "feature", "bounds": {"lower": 0, "upper": 1}, "decimals": 3}
    columns = [dict(column, name="x%d" % number) for number in range(1, 5)]
    columns.append({"name": "ill", "type": "category", "role": "target", "categories": ["no", "yes"]})
    with open(os.path.join(folder, "table.schema.json"), "w") as file:
        json.dump({"formatVersion": 1, "confirmed": True, "columns": columns}, file)
    generator = random.Random(1)
    for site in range(1, sites + 1):
        with open(os.path.join(folder, "%d.csv" % site), "w") as file:
            file.write("x1,x2,x3,x4,ill\n")
            for row in range(20):
                file.write(",".join("%.3f" % generator.random() for _ in range(4)) + (",yes\n" if row % 2 else ",no\n"))


def tacit_rounds(tacit, sites, hidden, protection, rounds):
    """Medians over all rounds but the first."""
    folder = tempfile.mkdtemp(prefix="tacit-rounds-")
    try:
        write_tables(folder, sites)

        def run(*words):
            return subprocess.run([tacit, "federation", *map(str, words)], cwd=folder, check=True,
                                  capture_output=True, text=True).stdout
        for site in range(1, sites + 1):
            run("identity", "--name", "Site %d" % site, "--out", "site-%d" % site)
        run("init", "study.yaml", "--schema", "table.schema.json", "--protection", protection, "--rounds", rounds,
            "--model", "mlp:%d,%d" % (hidden, hidden), "--rate", "0.001", "--sites",
            *("site-%d.public" % site for site in range(1, sites + 1)))
        with Crew() as crew:
            server = crew.start([tacit, "federation", "serve", "--study", "study.yaml", "--host", "127.0.0.1", "--port",
                                 0, "--no-dashboard"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                text=True)
            events = queue.Queue()

            def listen():
                for line in server.stderr:
                    events.put((time.monotonic(), json.loads(line)))
            threading.Thread(target=listen, daemon=True).start()
            ends, used = [], []
            while True:
                moment, event = events.get(timeout=600)
                if event["event"] == "listening":
                    joined = [crew.start([tacit, "federation", "join", "https://127.0.0.1:" + event["port"], "--data",
                                          "%d.csv" % site, "--identity", "site-%d.key" % site], cwd=folder,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                              for site in range(1, sites + 1)]
                elif event["event"] == "committed" and event["text"].startswith("Round "):
                    ends.append(moment)
                    used.append(crew.processor())
                elif event["event"] in ("abandoned", "dropped", "refused"):
                    raise SystemExit("tacit: %s" % event)
                elif event["event"] == "finished":
                    break
            memory = peak(server.pid)
            site_memory = max(peak(process.pid) for process in joined)
        state = json.loads(run("status", "--study", "study.yaml", "--json"))
        trained = [r for r in state["rounds"] if r["title"].startswith("Round ")]
        assert len(trained) == rounds and all(len(r["contributors"]) == sites for r in trained), state
        return {"seconds": statistics.median(b - a for a, b in zip(ends, ends[1:])),
                "processor": (used[-1] - used[0]) / (rounds - 1), "server_mb": memory, "site_mb": site_memory,
                "received": trained[-1]["bytesReceived"], "sent": trained[-1]["bytesSent"]}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tacit")
    parser.add_argument("--flower", help="a Python with flwr; without it only our own figures are printed")
    parser.add_argument("--cases", default=CASES, help="SITES:PARAMETERS of 10000, 1000000 or 10000000, with commas")
    parser.add_argument("--protections", default="none,secagg", help="of ours; Flower has none here")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--flower-rounds", type=int, default=3)
    parser.add_argument("--flower-sites", type=int, default=10, help="cases with more sites are left out for Flower: a "
                        "node and its client processes take about 0.4 GB and seconds of imports a round")
    arguments = parser.parse_args()
    tacit = os.path.abspath(arguments.tacit)
    for case in arguments.cases.split(","):
        sites, wanted = map(int, case.split(":"))
        hidden = HIDDEN[wanted]
        theirs = None
        for protection in arguments.protections.split(","):
            if protection != "none" and sites < 3:
                continue
            ours = tacit_rounds(tacit, sites, hidden, protection, arguments.rounds)
            if protection == "none" and arguments.flower and sites <= arguments.flower_sites:
                theirs = flower_rounds.run(arguments.flower, sites, parameters_of(hidden), arguments.flower_rounds)
            line = {"benchmark": "federation/rounds", "sites": sites, "parameters": parameters_of(hidden),
                    "protection": protection, "tacit_s": round(ours["seconds"], 3),
                    "tacit_processor_s": round(ours["processor"], 3), "tacit_server_mb": round(ours["server_mb"]),
                    "tacit_site_mb": round(ours["site_mb"]), "tacit_received_bytes": ours["received"],
                    "tacit_sent_bytes": ours["sent"]}
            if theirs and "failed" in theirs:
                line["flower_failed"] = theirs["failed"]
            elif theirs:
                line.update(flower=theirs["version"], flower_s=round(theirs["seconds"], 3),
                            flower_processor_s=round(theirs["processor"], 3),
                            flower_server_mb=round(theirs["server_mb"]),
                            ratio=round(theirs["seconds"] / ours["seconds"], 1),
                            processor_ratio=round(theirs["processor"] / ours["processor"], 1))
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
