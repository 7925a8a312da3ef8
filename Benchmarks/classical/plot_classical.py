"""Draws what private classical models reach against ε, and prints the table for docs/private-models.md.

    BenchmarkClassical --data FOLDER >results.jsonl
    plot_classical.py results.jsonl docs/images/private-models.svg
"""
import collections
import json
import math
import statistics
import sys

TITLES = {"breast-cancer": "Breast cancer, 455 rows", "adult": "Adult census income, 32,561 rows",
          "readmission-again": "Readmission, 55,978 rows", "diabetes": "Diabetes progression, 354 rows",
          "readmission-days": "Days in hospital, 55,978 rows"}
COLOURS = {"objective perturbation": "#1b6ca8", "gradient descent": "#c0562f", "AdaSSP": "#1b6ca8",
           "naive Bayes": "#6b8e23", "boosted trees": "#7a4ea3"}
WIDTH, HEIGHT, LEFT, TOP, STEP_X, STEP_Y = 300, 190, 56, 54, 372, 286


def read(path):
    values = collections.defaultdict(lambda: collections.defaultdict(list))
    baseline = collections.defaultdict(list)
    for text in open(path):
        line = json.loads(text)
        metric = line.get("auroc", line.get("r2"))
        if "epsilon" in line:
            values[line["table"], line["model"]][line["epsilon"]].append(metric)
        else:
            baseline[line["table"]].append(metric)
    return values, baseline


def panel(table, values, baseline, x0, y0):
    is_r2 = table in ("diabetes", "readmission-days")
    low, high = (-0.5, 0.6) if table == "diabetes" else (0, 0.4) if is_r2 else (0.5, 0.65) if table == "readmission-again" \
        else (0.5, 1)
    if table == "adult":
        low, high = 0.8, 0.92
    x = lambda e: x0 + (math.log10(e) + 1) / 2 * WIDTH
    y = lambda v: y0 + HEIGHT - (min(max(v, low), high) - low) / (high - low) * HEIGHT
    out = [f'<text x="{x0}" y="{y0 - 20}" class="title">{TITLES[table]}</text>']
    for i in range(5):
        v = low + (high - low) * i / 4
        out.append(f'<line x1="{x0}" x2="{x0 + WIDTH}" y1="{y(v):.1f}" y2="{y(v):.1f}" class="grid"/>'
                   f'<text x="{x0 - 6}" y="{y(v) + 4:.1f}" class="tick" text-anchor="end">{v:.4g}</text>')
    for e in (0.1, 0.3, 1, 3, 10):
        out.append(f'<text x="{x(e):.1f}" y="{y0 + HEIGHT + 16}" class="tick" text-anchor="middle">{e:g}</text>')
    out.append(f'<text x="{x0 + WIDTH / 2}" y="{y0 + HEIGHT + 32}" class="tick" text-anchor="middle">ε</text>')
    out.append(f'<text x="{x0 + WIDTH}" y="{y0 + HEIGHT + 32}" class="tick" text-anchor="end">{"R²" if is_r2 else "AUROC"}, held out</text>')
    base = statistics.mean(baseline[table])
    out.append(f'<line x1="{x0}" x2="{x0 + WIDTH}" y1="{y(base):.1f}" y2="{y(base):.1f}" class="base"/>'
               f'<text x="{x0 + 4}" y="{y(base) - 4:.1f}" class="tick">without privacy {base:.3f}</text>')
    for (name, model), by in values.items():
        if name != table or (", noisy moments" not in model and not model.startswith(("naive", "boosted"))):
            continue
        key = model.replace(", noisy moments", "")
        points = " ".join(f"{x(e):.1f},{y(statistics.mean(v)):.1f}" for e, v in sorted(by.items()))
        out.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[key]}" stroke-width="2"/>')
        for e, v in sorted(by.items()):
            if statistics.mean(v) >= low:
                out.append(f'<circle cx="{x(e):.1f}" cy="{y(statistics.mean(v)):.1f}" r="2.6" fill="{COLOURS[key]}"/>')
    return out


def main():
    values, baseline = read(sys.argv[1])
    tables = [t for t in TITLES if t in baseline]
    out = []
    for index, table in enumerate(tables):
        out += panel(table, values, baseline, LEFT + index % 3 * STEP_X, TOP + index // 3 * STEP_Y)
    key_x, key_y = LEFT + 2 * STEP_X, TOP + STEP_Y + 10
    for index, (name, colour) in enumerate((("objective perturbation; AdaSSP below", "#1b6ca8"), ("gradient descent", "#c0562f"),
                                            ("naive Bayes", "#6b8e23"), ("boosted trees", "#7a4ea3"))):
        out.append(f'<line x1="{key_x}" x2="{key_x + 24}" y1="{key_y + 22 * index}" y2="{key_y + 22 * index}" '
                   f'stroke="{colour}" stroke-width="2"/><text x="{key_x + 32}" y="{key_y + 4 + 22 * index}" class="key">{name}</text>')
    out.append(f'<text x="{key_x}" y="{key_y + 104}" class="key">δ = 1e-5, neighbours by one row; numbers scaled by</text>'
               f'<text x="{key_x}" y="{key_y + 120}" class="key">noisy moments. Below the frame values are cut off.</text>')
    with open(sys.argv[2], "w") as file:
        file.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1130 590" font-family="sans-serif">'
                   '<style>.title{font-size:14px;font-weight:600;fill:#222}.tick{font-size:11px;fill:#555}'
                   '.key{font-size:12px;fill:#333}.grid{stroke:#e4e4e4}.base{stroke:#444;stroke-dasharray:5 4}</style>'
                   '<rect width="1130" height="590" fill="#fff"/>' + "\n".join(out) + "</svg>\n")
    for table in tables:
        base = statistics.mean(baseline[table])
        print(f"\n**{TITLES[table]}**; without privacy {base:.3f}\n")
        epsilons = sorted({e for (t, _), by in values.items() if t == table for e in by})
        print("| model | " + " | ".join(f"ε = {e:g}" for e in epsilons) + " |\n|---|" + "---|" * len(epsilons))
        for (t, model), by in values.items():
            if t == table:
                cells = (f"{statistics.mean(by[e]):.3f}" + (f" ± {statistics.stdev(by[e]):.3f}" if len(by[e]) > 1 else "")
                         for e in epsilons)
                print(f"| {model} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
