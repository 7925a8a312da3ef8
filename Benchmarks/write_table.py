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
Peers: python-paillier (phe) with gmpy2, GMP's own `mpz_powm`, pandas and polars, TenSEAL and OpenFHE, PyTorch and
Opacus, dp-accounting and OpenDP, Flower, each in the version that the tables name or `Benchmarks/run.sh` installs.
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


def encrypted(lines):
    rows = []
    for l in lines:
        rows.append([
            l.get("peer", "ours"), seconds(l["encryptMilliseconds"] / 1000), seconds(l["evaluateMilliseconds"] / 1000),
            seconds(l["decryptMilliseconds"] / 1000), f"**{l['ratio']:.0f}**" if "ratio" in l else "–",
            l["uploadBytes"], l["downloadBytes"], f"{l['keyBytes'] / 1e6:.0f} MB", f"{100 * l['plainAccuracy']:.2f} %",
            f"{l['encryptedAgrees']} of {l['pictures']}", f"{l['largestError']:.2g}"])
    return ("## Encrypted predictions on MNIST, one core, one picture\n\n"
            "Each with a network of its own: ours conv 16 × 5 × 5 – polynomial – conv 32 × 5 × 5 – polynomial – dense 10, "
            "TenSEAL its tutorial's conv 4 × 7 × 7 – square – dense 64 – square – dense 10. Accuracy is that of the weights in "
            "the clear on the 10,000 test images.\n\n") + table(
        ["", "encrypt", "evaluate", "decrypt", "we are faster by", "bytes sent", "bytes back", "keys", "accuracy",
         "same label", "largest error"], rows)


def networks(lines):
    names = {"cnn": "MNIST tutorial CNN", "mlp": "784-256-10", "small": "30-64-32-2"}
    rate = lambda l, who: f"{l[who + '_per_second']:,}" if who + "_per_second" in l else "–"
    memory = lambda l, who: l.get(who + "_peak_megabytes", "–")
    rows = []
    for l in lines:
        best = max((w for w in ("opacus_hooks", "opacus_ghost", "opacus_functorch") if w + "_per_second" in l),
                   key=lambda w: l[w + "_per_second"], default=None)
        rows.append([names[l["model"]], l["batch"], l["threads"], rate(l, "ours_plain"), rate(l, "pytorch"),
                     f"**{l.get('plain_to_pytorch', '–')}**", rate(l, "ours_private"),
                     l.get("private_over_plain_time", "–"), rate(l, "opacus_hooks"),
                     f"{rate(l, best)} ({best[7:]})" if best else "–", f"**{l.get('private_to_opacus_best', '–')}**",
                     f"{memory(l, 'ours_private')} / {memory(l, best)}" if best else "–"])
    return ("## Training networks beside PyTorch and Opacus\n\nExamples a second, medians. All hold 60,000 rows "
            "in memory; the peers step through them in order, ours shuffle or sample.\n\n") + table(
        ["network", "batch", "threads", "ours, plain", "PyTorch", "ratio", "ours, private",
         "time over plain", "Opacus, default", "Opacus, fastest", "ratio", "peak MB, ours / theirs"], rows)


def accounting(lines):
    cases = {}
    for l in lines:
        cases.setdefault(l["case"], {})[l["implementation"]] = l
    rows = []
    for case, by in cases.items():
        cell = lambda name: f"{by[name]['milliseconds']:.3g} ms, {by[name]['epsilon']:.6g}" if name in by else "–"
        rows.append([case] + [cell(n) for n in ("loss fast", "loss standard", "loss fine", "dp-accounting pld 1e-3",
                                                "dp-accounting pld 1e-4", "renyi", "dp-accounting rdp")])
    return "## Privacy accounting beside dp-accounting, one core\n\nProcessor time and ε.\n\n" + table(
        ["case", "ours, fast", "ours, standard", "ours, fine", "theirs, 1e-3", "theirs, 1e-4", "ours, Rényi",
         "theirs, Rényi"], rows)


def draws(lines):
    return "## Draws of noise beside OpenDP, one core\n\n" + table(
        ["noise", "scale", "who", "million a second"],
        [[l["noise"], f"{l['scale']:.6g}", "OpenDP" if l["implementation"] == "OpenDP" else "ours, " + l["implementation"],
          f"{l['million_per_second']:.3g}"] for l in lines])


def releases(lines):
    return "## Many different releases, one core\n\n" + table(
        ["what", "resolution", "processor time", "ε"],
        [[l["benchmark"], l["implementation"], f"{l['milliseconds']:.4g} ms", f"{l['epsilon']:.5g}"] for l in lines])


def transforms(lines):
    text = ("## Number-theoretic transforms, one core\n\n"
            "Primes of 50 bits. Cycles a butterfly: time · clock / (N/2 · log₂N), the clock measured beside by a chain of "
            "dependent additions.\n\n")
    names = ["AVX-512 IFMA", "AVX2", "scalar", "textbook"]
    rows = []
    for degree in sorted({l["degree"] for l in lines}):
        for direction in ("forward", "inverse"):
            here = {l["implementation"]: l for l in lines if l["degree"] == degree and l["direction"] == direction}
            rows.append([f"2^{degree.bit_length() - 1}", direction] + [
                f"{here[name]['cycles_per_butterfly']:.2f} ({here[name]['microseconds']:.4g} µs)" if name in here else "–"
                for name in names])
    return text + table(["N", "direction", *names], rows)


def matrices(lines):
    text = ("## Matrices and polynomials beside TenSEAL, one core\n\n"
            "N = 2^13 for matrices, 2^14 for polynomials of 8192 values; TenSEAL encodes the matrix anew in every product, so "
            "our time with encoding is the like for like.\n\n")
    theirs = {(l["benchmark"], l.get("rows"), l.get("columns"), l.get("degree")): l
              for l in lines if l["library"] == "tenseal"}
    rows = []
    for l in (l for l in lines if l["library"] == "tacit"):
        peer = theirs.get((l["benchmark"], l.get("rows"), l.get("columns"), l.get("degree")), {})
        what = f"degree {l['degree']}" if l["benchmark"] == "polynomial" else f"{l['rows']} × {l['columns']}"
        like = l.get("milliseconds_with_encoding", l["milliseconds"])
        other = peer.get("milliseconds_with_encoding", peer.get("milliseconds"))
        rows.append([l["benchmark"], what, seconds(l["milliseconds"] / 1e3),
                     seconds(l["milliseconds_with_encoding"] / 1e3) if "milliseconds_with_encoding" in l else "–",
                     seconds(other / 1e3) if other else "refused" if "refused" in peer else "–",
                     f"**{other / like:.1f}**" if other else "–"])
    return text + table(["what", "size", "ours", "with encoding", "TenSEAL", "ratio"], rows)


def bootstrapping(lines):
    return ("## Bootstrapping beside OpenFHE 1.6.1\n\n"
            "N = 2^16, 128-bit security, a process a turn, medians. Bits of the worst slot and of the mean error of values "
            "below 1.\n\n") + table(
        ["", "slots", "threads", "processor", "elapsed", "bits, worst slot", "bits, mean", "levels left", "memory"],
        [[l["name"], l["slots"], l["threads"], seconds(l["cpu_s"]), seconds(l["wall_s"]), f"{l['bits_worst']:.1f}",
          f"{l['bits_mean']:.1f}", l["levels_left"], f"{l['peak_gb']:.1f} GB"] for l in lines])


def logistic(lines):
    return ("## Logistic regression beside TenSEAL's tutorial, one core\n\n"
            "Breast cancer, 30 columns. TenSEAL's owner decrypts and encrypts the weights after every epoch, ours is off-line; "
            "its ring is N = 2^13, ours holds all iterations. TenSEAL's time grows with the rows, so it gets fewer; the ratio "
            "is of the time a row.\n\n") + table(
        ["what", "epochs", "ours", "rows", "TenSEAL", "rows", "ratio a row", "our AUROC", "TenSEAL's"],
        [[l["what"], l["epochs"], seconds(l["ours_s"]), l["ours_rows"], seconds(l["tenseal_s"]), l["tenseal_rows"],
          f"**{l['ratio_per_row']}**", l.get("ours_auroc", "–"), l.get("tenseal_auroc", "–")] for l in lines])


def scoring(lines):
    text = ("## Scores by an encrypted linear model beside TenSEAL, one core\n\n"
            "65,536 weights, texts of 120 features, processor time of one text. Our answer is flooded with noise that hides the "
            "key, and the reader's features are under an encryption of zero; TenSEAL's side does neither "
            "(`Benchmarks/scoring/compare_scoring.py`).\n\n")
    ours, peers = lines[0], lines[1:]
    times = (("setup", "owner makes keys, encrypts the model"), ("ask", "reader asks"), ("answer", "owner answers"),
             ("open", "reader opens"))
    sizes = (("modelBytes", "model"), ("keyBytes", "keys for the reader"), ("questionBytes", "question"),
             ("answerBytes", "answer"))
    head = ["what", "ours"]
    for peer in peers:
        head += [peer["benchmark"].split("/")[1], "ratio"]
    rows = []
    for key, what in times:
        row = [what, seconds(ours[key])]
        for peer in peers:
            row += [seconds(peer[key]), f"**{peer[key] / ours[key]:.2g}**" if key != "open" else "–"]
        rows.append(row)
    for key, what in sizes:
        row = [what, f"{ours[key]:,} bytes"]
        for peer in peers:
            row += [f"{peer[key]:,} bytes", f"**{peer[key] / ours[key]:.2g}**" if ours[key] else "–"]
        rows.append(row)
    rows.append(["greatest error of a score", f"{ours['greatestError']:.2g}"]
                + [cell for peer in peers for cell in (f"{peer['greatestError']:.2g}", "–")])
    return text + table(head, rows)


def multiparty(lines):
    text = ("## Collective keys beside OpenFHE 1.6.1, one core\n\n"
            "One party's work among two; ours is all that the party does, OpenFHE's the making of its shares.\n\n")
    text += table(["what", "N", "ours", "OpenFHE", "ratio"],
                  [[l["operation"].replace("_", " "), f"2^{l['log_degree']}", seconds(l["tacit_ms"] / 1e3),
                    seconds(l["openfhe_ms"] / 1e3), f"**{l['ratio']}**"] for l in lines if "operation" in l])
    sizes = [l for l in lines if l["benchmark"] == "multiparty/bytes"]
    if sizes:
        text += "\n" + table(["bytes of", "N", "ours", "OpenFHE", "ratio"],
                             [[l["what"].replace("_", " "), f"2^{l['log_degree']}", l["tacit"], l["openfhe"],
                               f"**{l['ratio']}**"] for l in sizes])
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


def federation(lines):
    peer = next((l["flower"] for l in lines if "flower" in l), "")
    text = (f"## Rounds of a federation beside Flower {peer}, real processes, TLS on both sides\n\n"
            "From the end of one round to the end of the next with next to no training, and the processor time of all "
            "processes in it. Ours stores every message before it answers and evaluates at the sites in every round; Flower "
            "keeps its state in memory and only trains. Memory is the peak of the coordinator, or of SuperLink and ServerApp "
            "together; bytes are those of one site's messages of a round, up and down (`Benchmarks/federation/compare_rounds.py`).\n\n")
    rows = []
    for l in lines:
        peer = lambda key, write: write(l[key]) if key in l else ("failed" if "flower_failed" in l else "–")
        ratio = lambda key: f"**{l[key]}**" if key in l else "–"
        size = lambda key: f"{l[key] / l['sites'] / 1e6:.3g} MB"
        rows.append([l["sites"], f"{l['parameters']:,}", l["protection"], seconds(l["tacit_s"]),
                     peer("flower_s", seconds), ratio("ratio"), seconds(l["tacit_processor_s"]),
                     peer("flower_processor_s", seconds), ratio("processor_ratio"), f"{l['tacit_server_mb']} MB",
                     peer("flower_server_mb", lambda value: f"{value} MB"), size("tacit_received_bytes"),
                     size("tacit_sent_bytes")])
    return text + table(["sites", "parameters", "protection", "ours", "Flower", "ratio", "processor", "Flower", "ratio",
                         "our server", "Flower's", "up", "down"], rows)


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
        name = line["benchmark"].split("/")[0].split("-")[0]
        if name == "polynomial":
            name = "matrix"
        elif "releases of" in name or "each step" in name:
            name = "releases"
        groups.setdefault(name, []).append(line)
    parts = [INTRODUCTION, f"Measured on {processor()}, {platform.system()}.\n"]
    for name, write in (("modular", modular), ("paillier", paillier), ("training", training), ("csv", csv),
                        ("transform", transforms), ("ckks", ckks), ("matrix", matrices), ("bootstrapping", bootstrapping),
                        ("logistic", logistic), ("encrypted", encrypted), ("scoring", scoring), ("multiparty", multiparty),
                        ("networks", networks), ("epsilon", accounting), ("releases", releases), ("draws", draws),
                        ("secagg", secagg), ("federation", federation), ("prio3", prio3)):
        if name in groups:
            parts.append(write(groups[name]))
    with open(sys.argv[2], "w") as out:
        out.write("\n".join(parts))


if __name__ == "__main__":
    main()
