"""Training throughput beside PyTorch and Opacus, interleaved in one schedule, one process for each measurement.

    compare_networks.py EXECUTABLE [--quick] [--seconds S] [--rounds R] [--models cnn,mlp,small]
        [--batches 64,256,1024] [--threads 1,2] [--python PYTHON]

Modes: plain (ordinary SGD), private; of Opacus "hooks" (its default), "ghost" (fast gradient clipping with ghost norms)
and "functorch" where they run. Every side takes its turn in each round. Prints one JSON line for each model, batch and
number of threads: medians over rounds of a process's median examples per second, largest peak memory, and ratios.
PYTHON has torch and opacus.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

ROWS = 60_000


def model_of(name):
    from torch import nn

    if name == "cnn":
        return (
            nn.Sequential(
                nn.Conv2d(1, 16, 8, 2, padding=3), nn.ReLU(), nn.MaxPool2d(2, 1),
                nn.Conv2d(16, 32, 4, 2), nn.ReLU(), nn.MaxPool2d(2, 1), nn.Flatten(),
                nn.Linear(512, 32), nn.ReLU(), nn.Linear(32, 10),
            ),
            (1, 28, 28),
            10,
        )
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)), (784,), 10
    return nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2)), (30,), 2


def peer(name, batch, mode, threads, seconds):
    """Steps on slices of rows that are there already: sampling is left out, in the peer's favour."""
    import resource
    import warnings

    warnings.simplefilter("ignore")
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model, shape, classes = model_of(name)
    # As many rows in memory as on our side, or the peaks would not compare.
    features = torch.rand((ROWS, *shape)).mul_(2).sub_(1)
    labels = torch.randint(classes, (ROWS,))
    position = 0
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    if mode != "plain":
        from opacus import PrivacyEngine
        from torch.utils.data import DataLoader, TensorDataset

        loader = DataLoader(TensorDataset(torch.zeros(ROWS, 1), torch.zeros(ROWS)), batch_size=batch)
        made = PrivacyEngine().make_private(
            module=model, optimizer=optimizer, data_loader=loader, criterion=criterion, noise_multiplier=1.0,
            max_grad_norm=1.0, poisson_sampling=False, grad_sample_mode=mode,
        )
        if mode == "ghost":
            model, optimizer, criterion, _ = made
        else:
            model, optimizer, _ = made

    def step():
        nonlocal position
        position = 0 if position + 2 * batch > ROWS else position + batch
        optimizer.zero_grad()
        loss = criterion(model(features[position:position + batch]), labels[position:position + batch])
        loss.backward()
        optimizer.step()

    for _ in range(3):
        step()
    # Processor time with one thread, elapsed time with several, as the other side.
    clock = time.process_time if threads == 1 else time.perf_counter
    rates = []
    for _ in range(8):
        start = clock()
        done = 0
        while clock() - start < seconds / 8:
            step()
            done += batch
        rates.append(done / (clock() - start))
    rates.sort()
    print(
        json.dumps(
            {
                "benchmark": "networks", "who": "pytorch" if mode == "plain" else "opacus", "model": name,
                "batch": batch, "mode": mode, "threads": threads, "median_per_second": int(rates[4]),
                "best_per_second": int(rates[-1]),
                "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("executable")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", default="cnn,mlp,small")
    parser.add_argument("--batches", default="64,256,1024")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--peer", nargs=4, metavar=("MODEL", "BATCH", "MODE", "THREADS"))
    options = parser.parse_args()
    if options.peer:
        model, batch, mode, threads = options.peer
        return peer(model, int(batch), mode, int(threads), options.seconds)
    if options.quick:
        options.seconds, options.rounds = 0.8, 1
    for model in options.models.split(","):
        for batch in options.batches.split(","):
            for threads in options.threads.split(","):
                print(json.dumps(compare(options, model, batch, threads)), flush=True)


def compare(options, model, batch, threads):
    rates, peaks = {}, {}
    for _ in range(options.rounds):
        for mode in ("plain", "private"):
            command = [options.executable, "--model", model, "--batch", batch, "--mode", mode, "--threads", threads,
                       "--seconds", str(options.seconds)]
            note(run(command), "ours_" + mode, rates, peaks)
        for mode in ("plain", "hooks", "ghost", "functorch"):
            command = [options.python, __file__, options.executable, "--seconds", str(options.seconds), "--peer",
                       model, batch, mode, threads]
            name = "pytorch" if mode == "plain" else "opacus_" + mode
            note(run(command, {"OMP_NUM_THREADS": threads}), name, rates, peaks)
    line = {"benchmark": "networks", "model": model, "batch": int(batch), "threads": int(threads)}
    for name, values in rates.items():
        line[name + "_per_second"] = int(statistics.median(values))
        line[name + "_peak_megabytes"] = peaks[name]
    speed = {name: statistics.median(values) for name, values in rates.items()}
    if "ours_private" in speed:
        line["private_over_plain_time"] = round(speed["ours_plain"] / speed["ours_private"], 2)
        fastest = [speed[n] for n in speed if n.startswith("opacus")]
        if "pytorch" in speed:
            line["plain_to_pytorch"] = round(speed["ours_plain"] / speed["pytorch"], 2)
        if fastest:
            line["private_to_opacus_best"] = round(speed["ours_private"] / max(fastest), 2)
        if "opacus_hooks" in speed:
            line["private_to_opacus_default"] = round(speed["ours_private"] / speed["opacus_hooks"], 2)
    return line


def note(measured, name, rates, peaks):
    if measured:
        rates.setdefault(name, []).append(measured["median_per_second"])
        peaks[name] = max(peaks.get(name, 0), measured["peak_megabytes"])


def run(command, extra=None):
    result = subprocess.run(command, env={**os.environ, **(extra or {})}, capture_output=True, text=True)
    if result.returncode:
        print(f"{command}: {result.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return json.loads(result.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
