"""Training throughput beside PyTorch and Opacus, interleaved in one schedule, one process for each measurement.

    compare_networks.py EXECUTABLE [--seconds S] [--models cnn,mlp,small] [--batches 64,256,1024] [--threads 1,2]

Modes: plain (ordinary SGD), private; of Opacus "hooks" (its default), "ghost" (fast gradient clipping with ghost norms)
and "functorch" where they run. Prints one JSON line for each measurement.
"""

import argparse
import json
import os
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
    """Steps on one batch that is there already: sampling and loading are left out, in the peer's favour."""
    import resource
    import warnings

    warnings.simplefilter("ignore")
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model, shape, classes = model_of(name)
    features = torch.rand((batch, *shape)) * 2 - 1
    labels = torch.randint(classes, (batch,))
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
        optimizer.zero_grad()
        loss = criterion(model(features), labels)
        loss.backward()
        optimizer.step()

    for _ in range(3):
        step()
    rates = []
    for _ in range(8):
        start = time.perf_counter()
        done = 0
        while time.perf_counter() - start < seconds / 8:
            step()
            done += batch
        rates.append(done / (time.perf_counter() - start))
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
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--models", default="cnn,mlp,small")
    parser.add_argument("--batches", default="64,256,1024")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--peer", nargs=4, metavar=("MODEL", "BATCH", "MODE", "THREADS"))
    options = parser.parse_args()
    if options.peer:
        model, batch, mode, threads = options.peer
        return peer(model, int(batch), mode, int(threads), options.seconds)
    for model in options.models.split(","):
        for batch in options.batches.split(","):
            for threads in options.threads.split(","):
                for mode in ("plain", "private"):
                    command = [
                        options.executable, "--model", model, "--batch", batch, "--mode", mode, "--threads", threads,
                        "--seconds", str(options.seconds),
                    ]
                    run(command)
                for mode in ("plain", "hooks", "ghost", "functorch"):
                    run(
                        [
                            sys.executable, __file__, options.executable, "--seconds", str(options.seconds), "--peer",
                            model, batch, mode, threads,
                        ],
                        {"OMP_NUM_THREADS": threads},
                    )


def run(command, extra=None):
    result = subprocess.run(command, env={**os.environ, **(extra or {})}, capture_output=True, text=True)
    if result.returncode:
        print(f"{command}: {result.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    else:
        print(result.stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
