"""Writes pytorch.json: a small convolutional network's weights, outputs, loss and gradients by PyTorch in doubles."""

import json
import sys

import torch
from torch import nn

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
model = nn.Sequential(
    nn.Conv2d(2, 4, 3, 2, padding=1), nn.GroupNorm(2, 4), nn.ReLU(), nn.MaxPool2d(2, 1), nn.Conv2d(4, 3, 2), nn.Tanh(),
    nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 3),
)
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_(torch.round(parameter * 256) / 256)
images = torch.round(torch.randn(6, 2, 7, 7) * 64) / 64
labels = torch.tensor([0, 2, 1, 1, 0, 2])
scores = model(images)
loss = nn.functional.cross_entropy(scores, labels, reduction="sum")
loss.backward()


def tensors(of):
    return {
        name: {"shape": list(p.shape), "values": of(p).detach().reshape(-1).tolist()}
        for name, p in model.named_parameters()
    }


json.dump(
    {
        "origin": "make_pytorch.py", "torch": torch.__version__, "labels": labels.tolist(),
        "images": images.permute(0, 2, 3, 1).reshape(-1).tolist(), "scores": scores.detach().reshape(-1).tolist(),
        "loss": loss.item(), "weights": tensors(lambda p: p), "gradients": tensors(lambda p: p.grad),
    },
    open(sys.argv[1], "w"),
)
