"""One of two processes that test sharded models; run as ``python -m tests.python.support.distributed``."""

from __future__ import annotations

import json
import os
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor

import weightscope_widget as wsw
from tests.python.support.watched import contents
from weightscope_widget.errors import WeightScopeError


class Experts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Parameter(torch.randn(4, 6, 5))


class Model(nn.Module):
    """Sizes that two processes cannot share evenly, a tied weight, a stack of experts."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.layers = nn.ModuleList([nn.Linear(8, 7), nn.Linear(7, 9, bias=False)])
        self.experts = Experts()
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.embed.weight


def plain() -> Model:
    torch.manual_seed(0)
    return Model()


def placed() -> dict[str, torch.Tensor]:
    """Each placement there is, of sizes that do not divide."""
    mesh = init_device_mesh("cpu", (2,))
    generator = torch.Generator().manual_seed(1)
    weights = {name: torch.randn(7, 5, generator=generator) for name in ("rows", "columns", "copies")}
    placements = {"rows": [Shard(0)], "columns": [Shard(1)], "copies": [Replicate()]}
    return {f"{name}.weight": distribute_tensor(weights[name], mesh, placements[name]) for name in weights}


def main() -> None:
    """Scan sharded and whole, and print what came of both."""
    rank, store, what = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", store=dist.FileStore(store, 2), rank=rank, world_size=2)
    try:
        if what == "fsdp2":
            sharded, whole = fully_shard(plain()), plain()
            assert isinstance(sharded.embed.weight, DTensor)
        elif what == "state dict":
            sharded = placed()
            whole = {name: tensor.full_tensor() for name, tensor in placed().items()}
        else:
            try:
                wsw.scan(FullyShardedDataParallel(plain(), device_id=torch.device("cpu")), progress=False)
            except WeightScopeError as error:
                print(json.dumps(str(error)))
            return
        found = wsw.scan(sharded, progress=False, vectors=True, workers=3)
        background = wsw.show(sharded, "all", vectors=True)
        assert background.wait(60)
        expected = wsw.scan(whole, progress=False, vectors=True)
        print(json.dumps([contents(found), contents(background.results), contents(expected)]))
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
