#!/usr/bin/env python3
"""Turns the JSON lines of a benchmark run into docs/benchmarks.md.

    python3 write_table.py results.jsonl docs/benchmarks.md
"""
import json
import platform
import sys

INTRODUCTION = """# Benchmarks

`make bench` measures us and the peers in one schedule on one machine: round after round each side takes its turn, and
medians are compared, so that drift of the machine hits all alike. A ratio above 1 means that we are faster. On one core
times are processor time, on two they are elapsed time. Absolute times say little about other machines; ratios say more.
Peers: python-paillier (phe) with gmpy2, GMP's own `mpz_powm`, pandas and polars, TenSEAL, OpenFHE and Flower, each in the
version that the tables name.
"""


def seconds(value):
    if value is None:
        return "–"
    for limit, unit, factor in ((1e-6, "ns", 1e9), (1e-3, "µs", 1e6), (1, "ms", 1e3)):
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.4g} s"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def modular(lines):
    text = "## Modular exponentiation beside GMP, one core\n\n"
    powers = [l for l in lines if l["benchmark"] == "modular/powers"]
    if powers:
        text += table(
            ["modulus", "exponent", "GMP", "ours, public exponent", "ratio", "secret exponent", "ratio"],
            [[f"{l['modulusBits']} bits", f"{l['exponentBits']} bits", seconds(l["gmpNanoseconds"] * 1e-9),
              seconds(l["publicNanoseconds"] * 1e-9), f"**{l['publicRatio']:.2f}**",
              seconds(l["secretNanoseconds"] * 1e-9), f"{l['secretRatio']:.2f}"] for l in powers])
    others = [l for l in lines if l["benchmark"].startswith("modular/") and l["benchmark"] != "modular/powers"]
    kinds = {}
    for line in others:
        kinds.setdefault(line["benchmark"].split("/", 1)[1], []).append(line)
    for kind, group in kinds.items():
        keys = [k for k in group[0] if k != "benchmark"]
        text += f"\n### {kind}\n\n" + table(
            keys, [[f"{l.get(k):.4g}" if isinstance(l.get(k), float) else l.get(k, "–") for k in keys] for l in group])
    return text


def paillier(lines):
    head = next((l for l in lines if "phe" in l and "operation" not in l), {})
    text = f"## Paillier beside python-paillier {head.get('phe', '')} with gmpy2 {head.get('gmpy2', '')}\n\n"
    rows = []
    for l in lines:
        if "operation" not in l:
            continue
        micro = lambda side: l[side + "_us"] * 1e-6 if side + "_us" in l else None
        extra = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in l.items()
                          if k not in ("benchmark", "operation", "bits", "cores", "clock") and not k.endswith("_us")
                          and not k.startswith("ratio"))
        rows.append([l["operation"], l["bits"], l["cores"], seconds(micro("ours")), seconds(micro("phe")),
                     f"**{l['ratio_to_phe']}**" if "ratio_to_phe" in l else "–", seconds(micro("gmp")),
                     l.get("ratio_to_gmp", "–"), extra])
    return text + table(["operation", "bits", "cores", "ours", "phe", "ratio", "GMP", "ratio", ""], rows)


def training(lines):
    return "## Encrypted training from end to end\n\n" + table(
        ["task", "bits", "ours", "python-paillier", "ratio", "our bytes", "their bytes"],
        [[l["operation"], l["bits"], seconds(l["ours_seconds"]), seconds(l["phe_seconds"]), f"**{l['ratio']}**",
          l["ours_bytes"], l["phe_bytes"]] for l in lines])


def csv(lines):
    text = "## Reading CSV, one thread\n\n"
    readers = [l for l in lines if "reader" in l]
    ratios = {(l["benchmark"], l["ratio"].rsplit(" ", 1)[1]): l["value"] for l in lines if "ratio" in l}
    return text + table(
        ["file", "reader", "version", "MB/s", "we are faster by"],
        [[f"{l['benchmark']}, {l['megabytes']} MB", l["reader"], l.get("version") or "–", l["megabytes_per_second"],
          f"**{ratios[(l['benchmark'], l['reader'])]}**" if (l["benchmark"], l["reader"]) in ratios else "–"]
         for l in readers])


CKKS_SIDES = (("tenseal", "TenSEAL"), ("openfhe", "OpenFHE"))
CKKS_TIERS = (("ifma", "AVX-512 IFMA"), ("avx2", "AVX2"), ("scalar", "scalar"))
CKKS_NAMES = {
    "ntt": "two polynomials to coefficients and back", "encode": "encode N/2 values",
    "encrypt": "encrypt what is encoded, public key", "encrypt_secret": "the same, secret key",
    "encode_encrypt": "encode and encrypt, public key", "add": "add", "multiply_plain": "multiply by a plaintext",
    "multiply": "multiply and relinearise", "rescale": "rescale", "multiply_rescale": "multiply, relinearise, rescale",
    "rotate": "rotate", "decrypt_decode": "decrypt and decode",
}


def ckks(lines):
    text = ("## CKKS beside TenSEAL 0.3.18 (SEAL) and OpenFHE 1.6.1\n\n"
            "First prime 50 bits, the others 40, log₂(QP) about 180, 380 and 740 to 825; the peers' own operations, called "
            "one by one, lists of numbers converted by their Python bindings included. SEAL has one special prime and no "
            "threads inside an operation; ours has three 45-bit ones at N = 2^15, OpenFHE as many digits as we. In brackets: "
            "how many times faster we are.\n")
    timed = [l for l in lines if "operation" in l]
    for cores in sorted({l["cores"] for l in timed}):
        rows = []
        for l in (l for l in timed if l["cores"] == cores):
            cells = [CKKS_NAMES[l["operation"]], f"2^{l['log_degree']}"]
            for tier, _ in CKKS_TIERS:
                cells.append(seconds(l[tier + "_us"] * 1e-6) if tier + "_us" in l else "–")
            for peer, _ in CKKS_SIDES:
                ratios = ", ".join(f"{l[f'{tier}_to_{peer}']:.1f}" for tier, _ in CKKS_TIERS if f"{tier}_to_{peer}" in l)
                cells.append(f"{seconds(l[peer + '_us'] * 1e-6)} ({ratios})" if peer + "_us" in l else "–")
            rows.append(cells)
        clock = "one core, processor time" if cores == 1 else f"{cores} cores, elapsed time"
        text += f"\n### {clock}\n\n" + table(
            ["operation", "N", *(name for _, name in CKKS_TIERS), *(name for _, name in CKKS_SIDES)], rows)
    sizes = [l for l in lines if l["benchmark"] == "ckks/bytes"]
    if sizes:
        text += "\n### Bytes\n\n" + table(
            ["what", "N", "ours", "TenSEAL", "OpenFHE", "ours / TenSEAL"],
            [[l["what"].replace("_", " "), f"2^{l['log_degree']}", l["ours"], l["tenseal"], l["openfhe"],
              f"{l['ours'] / l['tenseal']:.2f}"] for l in sizes])
    precision = [l for l in lines if l["benchmark"] == "ckks/precision"]
    if precision:
        text += "\n### Bits that are right after one product of public-key encryptions, scale 2^40\n\n" + table(
            ["N", "ours", "TenSEAL", "OpenFHE"],
            [[f"2^{l['log_degree']}", l["ours"], l["tenseal"], l["openfhe"]] for l in precision])
    return text


def secagg(lines):
    text = "## Secure aggregation, a whole round with all parties in one process\n\nProcessor time; beside Flower on the complete graph.\n\n"
    flower = [l for l in lines if l["benchmark"] == "secagg/flower"]
    text += table(
        ["sites", "parameters", "drop out", "Flower SecAgg+", "ours", "ratio"],
        [[l["members"], l["parameters"], l["dropped"], seconds(l["flower_s"]), seconds(l["tacit_s"]),
          f"**{l['ratio']:.1f}**"] for l in flower])
    rounds = [l for l in lines if l["benchmark"] == "secagg/round"]
    if rounds:
        text += "\n" + table(
            ["sites", "parameters", "drop out", "neighbours", "all parties", "upload of a site"],
            [[l["members"], l["parameters"], l["dropped"], l["degree"], seconds(l["processor"]),
              f"{l['uploadBytes'] / 1e6:.3g} MB"] for l in rounds])
    return text


def prio3(lines):
    return "## Prio3, sums of vectors\n\n" + table(
        ["length", "bits", "client", "leader prepares", "helper prepares", "upload"],
        [[l["length"], l["bits"], seconds(l["parts"]["client shard"]), seconds(l["parts"]["leader prepare"]),
          seconds(l["parts"]["helper prepare"]), f"{l['uploadBytes'] / 1e6:.3g} MB"] for l in lines])


def main():
    with open(sys.argv[1]) as file:
        lines = [json.loads(line) for line in file if line.startswith("{")]
    lines = [line for line in lines if "benchmark" in line]
    groups = {}
    for line in lines:
        groups.setdefault(line["benchmark"].split("/")[0].split("-")[0], []).append(line)
    parts = [INTRODUCTION, f"Measured on {processor()}, {platform.system()}.\n"]
    for name, write in (("modular", modular), ("paillier", paillier), ("training", training), ("csv", csv),
                        ("ckks", ckks), ("secagg", secagg), ("prio3", prio3)):
        if name in groups:
            parts.append(write(groups[name]))
    with open(sys.argv[2], "w") as out:
        out.write("\n".join(parts))


if __name__ == "__main__":
    main()
