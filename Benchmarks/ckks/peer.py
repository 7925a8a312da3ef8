"""The loop shared by the peers' processes: the commands of BenchmarkCKKS, answered one JSON object a line."""
import json
import os
import sys
import tempfile
import time


def saved_size(save):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "object")
        save(path)
        return os.path.getsize(path)


def serve(make):
    """make(log_degree) gives (operations by name, function that returns sizes, precision bits)."""
    operations, sizes = {}, None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "shape":
            operations, sizes, precision = make(int(words[1]))
            answer = {"precision_bits": precision}
        elif words[0] == "sizes":
            answer = sizes()
        elif words[0] == "run" and words[1] in operations:
            operation, budget = operations[words[1]], float(words[2])
            operation()
            count, wall, processor = 0, time.perf_counter(), time.process_time()
            while count < 3 or time.perf_counter() - wall < budget:
                operation()
                count += 1
            answer = {"wall": (time.perf_counter() - wall) / count,
                      "processor": (time.process_time() - processor) / count}
        else:
            answer = {"missing": True}
        print(json.dumps(answer), flush=True)
