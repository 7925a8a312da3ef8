"""Makes readmission-ols.json: scikit-learn's fit of time_in_hospital on the plan's encoded columns.

    TACIT_WRITE_READMISSION=DIR swift test -c release --disable-testable-imports --filter theEncodedColumns
    python3 readmission_ols.py DIR > readmission-ols.json
"""
import json
import sys

import numpy as np
from sklearn.linear_model import LinearRegression

folder = sys.argv[1]
about = json.load(open(folder + "/columns.json"))
names, multipliers = about["names"], np.array(about["multipliers"], dtype=float)
z = np.fromfile(folder + "/columns.int64", dtype="<i8").reshape(len(names), -1).T / multipliers
target = names.index("time_in_hospital")
keep = [j for j in range(len(names)) if j != target]
x, y = z[:, keep], z[:, target]
fit = LinearRegression().fit(x, y)
json.dump(
    {
        "features": [names[j] for j in keep],
        "coefficients": fit.coef_.tolist(),
        "intercept": float(fit.intercept_),
        "mse": float(np.mean((y - fit.predict(x)) ** 2)),
        "rank": int(fit.rank_),
    },
    sys.stdout,
    indent=1,
)
