"""Flower's SecAgg+ with all its parties in one process: its own workflow and client code, messages handed over in memory.

Reads lines `round MEMBERS PARAMETERS DROPPED`, answers with JSON. Members drop out before their masked vectors.
"""
import json
import logging
import resource
import sys
import time

import numpy as np
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.client.mod.secure_aggregation.secaggplus_mod import secaggplus_mod
from flwr.common import Code, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.compat.common import recorddict_compat as compat
from flwr.server import LegacyContext, ServerConfig
from flwr.server.client_proxy import ClientProxy
from flwr.server.strategy import FedAvg
from flwr.server.workflow import SecAggPlusWorkflow
from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD, Key
from flwr.supercore.task_identity import TaskIdentity

TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 1, 1, 0
logging.getLogger("flwr").setLevel(logging.ERROR)


class Proxy(ClientProxy):
    def __init__(self, node):
        super().__init__(str(node))
        self.node_id = node

    def get_properties(self, *a, **k): raise NotImplementedError
    def get_parameters(self, *a, **k): raise NotImplementedError
    def fit(self, *a, **k): raise NotImplementedError
    def evaluate(self, *a, **k): raise NotImplementedError
    def reconnect(self, *a, **k): raise NotImplementedError


class MemoryGrid:
    """Hands messages to the clients' code in this process."""

    def __init__(self, members, parameters, gone):
        self.contexts = {n: Context(run_id=1, node_id=n, node_config={}, state=RecordDict(), run_config={})
                         for n in members}
        self.update = [np.linspace(-1, 1, parameters).astype(np.float32)]
        self.gone, self.stage = gone, 0

    def fit(self, message, context):
        result = FitRes(Status(Code.OK, ""), ndarrays_to_parameters(self.update), 1, {})
        return Message(compat.fitres_to_recorddict(result, False), reply_to=message)

    def send_and_receive(self, messages, *, timeout=None):
        self.stage += 1
        replies = []
        for message in messages:
            node = message.metadata.dst_node_id
            if self.stage >= 3 and node in self.gone:
                continue
            # Clients take words out of their record; each gets one of its own.
            content = RecordDict({**message.content, **{name: ConfigRecord(dict(record)) for name, record
                                                        in message.content.config_records.items()}})
            own = Message(content, dst_node_id=node, message_type=message.metadata.message_type,
                          group_id=message.metadata.group_id)
            replies.append(secaggplus_mod(own, self.contexts[node], self.fit))
        return replies


class Manager:
    def __init__(self, proxies): self.proxies = proxies
    def num_available(self): return len(self.proxies)
    def sample(self, num_clients, min_num_clients=None, criterion=None): return self.proxies[:num_clients]
    def wait_for(self, *a, **k): return True


def run(members, parameters, dropped, shares):
    nodes = list(range(1, members + 1))
    gone = {1 + k * (members // max(1, dropped)) for k in range(dropped)}
    grid = MemoryGrid(nodes, parameters, gone)
    strategy = FedAvg(fraction_fit=1.0, min_fit_clients=members, min_available_clients=members)
    context = LegacyContext(context=Context(1, 0, {}, RecordDict(), {}), config=ServerConfig(num_rounds=1),
                            strategy=strategy, client_manager=Manager([Proxy(n) for n in nodes]))
    record = ConfigRecord({Key.CURRENT_ROUND: 1})
    context.state.config_records[MAIN_CONFIGS_RECORD] = record
    context.state.array_records[MAIN_PARAMS_RECORD] = compat.parameters_to_arrayrecord(
        ndarrays_to_parameters([np.zeros(parameters, np.float32)]), True)
    workflow = SecAggPlusWorkflow(num_shares=shares, reconstruction_threshold=shares // 2 + 1)
    usage = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    processor, elapsed = usage(), time.perf_counter()
    workflow(grid, context)
    processor, elapsed = usage() - processor, time.perf_counter() - elapsed
    result = parameters_to_ndarrays(compat.arrayrecord_to_parameters(
        context.state.array_records[MAIN_PARAMS_RECORD], True))[0]
    error = float(np.abs(result - grid.update[0]).max())
    return {"members": members, "parameters": parameters, "dropped": dropped, "shares": shares, "processor": processor,
            "elapsed": elapsed, "error": error, "right": error < 1e-2}


for line in sys.stdin:
    words = line.split()
    print(json.dumps(run(*map(int, words[1:5]))), flush=True)
