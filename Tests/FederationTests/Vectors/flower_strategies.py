"""Makes flower-strategies.json: outputs of Flower's own aggregation functions and adaptive strategies.

Flower corrects Adam's bias by a factor that depends on the round and begins v at 0, which Reddi et al. 2021 do not; the
rounds are therefore numbered from 10^6, where the factor is 1 to the last bit, and v begins at tau^2.
"""

import json
from importlib.metadata import version

import numpy as np
from flwr.common import Code, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.server.strategy import FedAdagrad, FedAdam, FedAvgM, FedYogi
from flwr.server.strategy import aggregate as rules

rng = np.random.default_rng(20261128)
sites, size, rounds = 11, 6, 4
model = rng.normal(size=size)
updates = [rng.normal(size=size) for _ in range(sites)]
updates[3] = updates[3] + 25.0
updates[7] = updates[7] - 40.0
weights = [int(w) for w in rng.integers(10, 500, size=sites)]


def results():
    return [([u.copy()], w) for u, w in zip(updates, weights)]


out = {
    "origin": f"flwr {version('flwr')}, flwr.server.strategy; numpy {np.__version__}",
    "updates": [u.tolist() for u in updates],
    "weights": weights,
    "mean": rules.aggregate(results())[0].tolist(),
    "median": rules.aggregate_median(results())[0].tolist(),
    "trimmed": [
        {"share": s, "value": rules.aggregate_trimmed_avg(results(), s)[0].tolist()} for s in (0.0, 0.1, 0.2, 0.4)
    ],
    "krum": [
        {
            "malicious": f,
            "keep": k,
            "value": rules.aggregate_krum(results(), f, 0 if k == 1 else k)[0].tolist(),
        }
        for f in (1, 2, 4)
        for k in (1, 3)
    ],
    "bulyan": [
        {"malicious": f, "value": rules.aggregate_bulyan(results(), f, rules.aggregate_krum, to_keep=0)[0].tolist()}
        for f in (1, 2)
    ],
    "model": model.tolist(),
    "changes": [],
    "adaptive": [],
}
changes = [rng.normal(scale=0.3, size=size) for _ in range(rounds)]
out["changes"] = [c.tolist() for c in changes]

for name, kind, kwargs in [
    ("fedadam", FedAdam, dict(eta=0.1, beta_1=0.9, beta_2=0.99, tau=1e-3)),
    ("fedyogi", FedYogi, dict(eta=0.05, beta_1=0.8, beta_2=0.95, tau=1e-2)),
    ("fedadagrad", FedAdagrad, dict(eta=0.2, tau=1e-3)),
    ("fedavgm", FedAvgM, dict(server_learning_rate=0.7, server_momentum=0.9)),
]:
    strategy = kind(initial_parameters=ndarrays_to_parameters([model.copy()]), **kwargs)
    current = model.copy()
    if name != "fedavgm":
        strategy.v_t = [np.full(size, kwargs["tau"] ** 2)]
    else:
        strategy.initialize_parameters(None)
        strategy.initial_parameters = ndarrays_to_parameters([model.copy()])
    steps = []
    for index, change in enumerate(changes):
        res = FitRes(Status(Code.OK, ""), ndarrays_to_parameters([current + change]), 1, {})
        parameters, _ = strategy.aggregate_fit((1 if name == "fedavgm" else 10**6) + index, [(None, res)], [])
        current = parameters_to_ndarrays(parameters)[0]
        if name == "fedavgm":
            strategy.initial_parameters = ndarrays_to_parameters([current.copy()])
        steps.append(current.tolist())
    out["adaptive"].append({"name": name, "parameters": kwargs, "models": steps})

with open("flower-strategies.json", "w") as file:
    json.dump(out, file, indent=1)
