"""Rounds of a Flower deployment on this machine: SuperLink, SuperNodes, TLS, node authentication."""
import json
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

from processes import Crew, peak

PROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "rounds"
version = "1.0.0"
description = "Rounds without training"
license = "Apache-2.0"
dependencies = []

[tool.hatch.build.targets.wheel]
packages = ["."]

[tool.flwr.app]
publisher = "rounds"

[tool.flwr.app.components]
serverapp = "rounds.server:app"
clientapp = "rounds.client:app"

[tool.flwr.app.config]
rounds = 1
parameters = 1
nodes = 1
out = ""
"""

SERVER = '''
import json
import resource
import time

import numpy as np
from flwr.app import Array, ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    settings = context.run_config
    nodes, out = int(settings["nodes"]), open(settings["out"], "w", buffering=1)
    first = np.zeros(int(settings["parameters"]), np.float32)

    def say(**words):
        out.write(json.dumps(words) + "\\n")

    class Timed(FedAvg):
        def aggregate_train(self, server_round, replies):
            replies = list(replies)
            right = sum(not reply.has_error() for reply in replies)
            result = super().aggregate_train(server_round, replies)
            say(round=server_round, moment=time.monotonic(), replies=right)
            return result

    strategy = Timed(fraction_train=1.0, fraction_evaluate=0.0, min_train_nodes=nodes, min_evaluate_nodes=0,
                     min_available_nodes=nodes)
    result = strategy.start(grid=grid, initial_arrays=ArrayRecord({"w": Array(first)}),
                            num_rounds=int(settings["rounds"]))
    last = result.arrays.to_numpy_ndarrays()[0]
    say(mean=float(last.mean()), peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
'''

CLIENT = '''
import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    arrays = ArrayRecord({name: Array(array.numpy() + np.float32(1))
                          for name, array in message.content["arrays"].items()})
    return Message(content=RecordDict({"arrays": arrays, "metrics": MetricRecord({"num-examples": 16})}),
                   reply_to=message)
'''


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for(port, process):
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the SuperLink does not listen")


def certificates(folder):
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=rounds",
            "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    with open(os.path.join(folder, "names"), "w") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            "server.crt", "-days", "2", "-extfile", "names")


def run(python, nodes, parameters, rounds, limit=900):
    """Medians over all rounds but the first, or what went wrong."""
    folder = tempfile.mkdtemp(prefix="flower-rounds-")
    try:
        return _run(folder, os.path.dirname(os.path.abspath(python)), nodes, parameters, rounds, limit)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", b"") or b""
        return {"failed": "%s %s" % (error, detail[-300:].decode(errors="replace"))}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder, bin, nodes, parameters, rounds, limit):
    home, app, out = (os.path.join(folder, name) for name in ("home", "app", "rounds.jsonl"))
    os.makedirs(home)
    os.makedirs(os.path.join(app, "rounds"))
    for name, text in (("pyproject.toml", PROJECT), ("rounds/__init__.py", ""), ("rounds/server.py", SERVER),
                       ("rounds/client.py", CLIENT)):
        with open(os.path.join(app, name), "w") as file:
            file.write(text)
    certificates(folder)
    file = lambda name: os.path.join(folder, name)
    port = free_port()
    with open(os.path.join(home, "config.toml"), "w") as config:
        config.write('[superlink]\ndefault = "here"\n\n[superlink.here]\naddress = "127.0.0.1:%d"\n'
                     'root-certificates = "%s"\n' % (port, file("ca.crt")))
    environment = dict(os.environ, FLWR_HOME=home, FLWR_TELEMETRY_ENABLED="0", PYTHONWARNINGS="ignore",
                       FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION="1", OMP_NUM_THREADS="1",
                       OPENBLAS_NUM_THREADS="1", PATH=bin + os.pathsep + os.environ["PATH"])
    quiet = {"env": environment, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    def flwr(*words):
        subprocess.run([os.path.join(bin, "flwr"), *words], env=environment, cwd=folder, check=True,
                       capture_output=True)
    with Crew() as crew:
        server = crew.start([os.path.join(bin, "flower-superlink"), "--host", "127.0.0.1", "--port", port,
                             "--ssl-certfile", file("server.crt"), "--ssl-keyfile", file("server.key"),
                             "--ssl-ca-certfile", file("ca.crt"), "--enable-supernode-auth"], **quiet)
        wait_for(port, server)
        for node in range(nodes):
            key = file("node-%d" % node)
            subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-b", "256", "-N", "", "-C", "", "-f", key], check=True)
            flwr("supernode", "register", key + ".pub", "here")
            crew.start([os.path.join(bin, "flower-supernode"), "--root-certificates", file("ca.crt"), "--superlink",
                        "127.0.0.1:%d" % port, "--port", free_port(), "--auth-supernode-private-key", key], **quiet)
        flwr("run", app, "here", "-c",
             'rounds=%d parameters=%d nodes=%d out="%s"' % (rounds, parameters, nodes, out))
        ends, used, summary = [], [], None
        limit += time.monotonic()
        while summary is None:
            if time.monotonic() > limit:
                raise RuntimeError("no end after %d of %d rounds" % (len(ends), rounds))
            time.sleep(0.02)
            if not os.path.exists(out):
                continue
            with open(out) as lines:
                said = [json.loads(line) for line in lines if line.endswith("\n")]
            for line in said[len(ends):]:
                if "round" not in line:
                    summary = line
                    break
                if line["replies"] != nodes:
                    raise RuntimeError("round %(round)d: got %(replies)d replies" % line)
                ends.append(line["moment"])
                used.append(crew.processor())
        if abs(summary["mean"] - rounds) > 1e-3:
            raise RuntimeError("the model is wrong: %s" % summary)
        version = subprocess.run([os.path.join(bin, "python3"), "-c",
                                  "from importlib.metadata import version; print(version('flwr'))"],
                                 capture_output=True, text=True).stdout.strip()
        return {"seconds": statistics.median(b - a for a, b in zip(ends, ends[1:])),
                "processor": (used[-1] - used[0]) / (len(used) - 1),
                "server_mb": peak(server.pid) + summary["peak"], "version": version}
