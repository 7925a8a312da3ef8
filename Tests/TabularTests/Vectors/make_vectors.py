"""Makes the vectors of this folder with scikit-learn; run again only to change them.

    python3 make_vectors.py
"""

import json
import pathlib

import numpy
import sklearn
from sklearn import metrics
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

HERE = pathlib.Path(__file__).parent
ORIGIN = f"scikit-learn {sklearn.__version__}, numpy {numpy.__version__}, make_vectors.py"
random = numpy.random.default_rng(2024)


def ece(y, p, bins):
    total = 0.0
    for b in range(bins):
        inside = numpy.minimum((p * bins).astype(int), bins - 1) == b
        if inside.any():
            total += inside.mean() * abs(y[inside].mean() - p[inside].mean())
    return total


binary = []
for n, ties in ((10, False), (50, True), (500, False), (500, True), (2000, True)):
    y = random.integers(0, 2, n)
    p = numpy.clip(0.35 * y + random.normal(0.3, 0.25, n), 0, 1)
    if ties:
        p = numpy.round(p, 1)
    true, predicted = metrics.confusion_matrix(y, p >= 0.5).tolist()
    binary.append(
        {
            "actual": y.tolist(),
            "probabilities": p.tolist(),
            "auroc": metrics.roc_auc_score(y, p),
            "auprc": metrics.average_precision_score(y, p),
            "logLoss": metrics.log_loss(y, numpy.clip(p, 2.0**-52, 1 - 2.0**-52)),
            "brier": metrics.brier_score_loss(y, p),
            "accuracy": metrics.accuracy_score(y, p >= 0.5),
            "confusion": [true, predicted],
            "ece": ece(y, p, 10),
        }
    )
regression = []
for n in (3, 100, 1000):
    y = random.normal(150, 77, n)
    p = y + random.normal(3, 50, n)
    regression.append(
        {
            "actual": y.tolist(),
            "predicted": p.tolist(),
            "mse": metrics.mean_squared_error(y, p),
            "mae": metrics.mean_absolute_error(y, p),
            "r2": metrics.r2_score(y, p),
        }
    )
(HERE / "metrics.json").write_text(json.dumps({"origin": ORIGIN, "binary": binary, "regression": regression}))

x = random.normal(5, 3, (40, 2)).round(3)
colours = random.choice(["red", "green", "blue"], 40)
(HERE / "recipe.json").write_text(
    json.dumps(
        {
            "origin": ORIGIN,
            "x": x.tolist(),
            "colours": colours.tolist(),
            "standardised": StandardScaler().fit_transform(x).tolist(),
            "minMax": MinMaxScaler().fit_transform(x).tolist(),
            "oneHot": OneHotEncoder(drop="first", sparse_output=False).fit_transform(colours[:, None]).tolist(),
        }
    )
)
