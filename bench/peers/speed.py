"""PyTorch's side of bench/speed: one request of JSON a line, one answer a line.

    {"do": "network", "spec": {...}}    from now on; what stood before is forgotten
    {"do": "train" | "forward", "setting": "bfloat16 channels_last", "batch": n, "repeat": r, "threads": t}
    {"do": "each", ...}                 forward, the seconds of every single run
    {"do": "end"}

Answers {"seconds": s, "cpuSeconds": c} for all the repeats together, or {"error": "..."}. Words of a setting: float32;
bfloat16 (autocast, float32 weights); weights (the weights are bfloat16 too, forward only); math (float32 maps, oneDNN
may multiply in bfloat16); channels_last; compiled (torch.compile with max-autotune, weights frozen in forward).

Batch, loss and optimiser are those of bench/speed/ours.mjs: Adam in its fused form, inputs ready as the setting's
numbers, in its layout.
"""
import contextlib
import json
import os
import resource
import sys
import time

os.environ.setdefault("TORCHINDUCTOR_FREEZING", "1")

import torch
from torch import nn

from network import build


class Work:
    """A network in one setting."""

    def __init__(self, spec, setting, training):
        words = setting.split()
        self.format = torch.channels_last if "channels_last" in words else torch.contiguous_format
        self.halved = "weights" in words
        self.autocast = "bfloat16" in words and not self.halved
        self.math = "math" in words
        torch.manual_seed(1)
        self.network = build(spec).to(memory_format=self.format).train(training)
        if self.halved:
            self.network = self.network.bfloat16()
        if training:
            self.optimiser = torch.optim.Adam(self.network.parameters(), lr=1e-4, fused=True)
        self.call = torch.compile(self.network, mode="max-autotune", dynamic=False) if "compiled" in words else self.network

    def cast(self):
        return torch.autocast("cpu", torch.bfloat16) if self.autocast else contextlib.nullcontext()

    def take(self, images):
        return images.to(torch.bfloat16 if self.halved else torch.float32).contiguous(memory_format=self.format)

    def train(self, images, labels):
        self.optimiser.zero_grad(set_to_none=True)
        with self.cast():
            logits = self.call(images)
        nn.functional.cross_entropy(logits.float(), labels).backward()
        self.optimiser.step()

    def forward(self, images, labels):
        # no_grad, not inference_mode: the compiler freezes weights only there, and otherwise they cost the same.
        with torch.no_grad(), self.cast():
            torch.softmax(self.call(images).float(), 1)


class Side:
    def __init__(self):
        self.use(None)

    def use(self, spec):
        self.spec, self.works, self.inputs = spec, {}, {}

    def answer(self, request):
        do = request["do"]
        if do == "network":
            self.use(request["spec"])
            return {"version": torch.__version__}
        if do == "end":
            return {"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        torch.set_num_threads(request["threads"])
        run = self.runner("train" if do == "train" else "forward", request["setting"], request["batch"])
        return self.each(run, request["repeat"]) if do == "each" else self.together(run, request["repeat"])

    def runner(self, kind, setting, batch):
        key = (kind, setting)
        if key not in self.works:
            self.works[key] = Work(self.spec, setting, kind == "train")
        work = self.works[key]
        math = "bf16" if work.math else "ieee"
        torch.backends.mkldnn.conv.fp32_precision = torch.backends.mkldnn.matmul.fp32_precision = math
        labels = torch.arange(batch) % self.spec["layers"][-1]["units"]
        if (key, batch) not in self.inputs:
            sides = (self.spec["input"][side] for side in ("channels", "height", "width"))
            images = torch.rand(batch, *sides) - 0.5 + 0.1 * labels.view(-1, 1, 1, 1)
            self.inputs[key, batch] = work.take(images)
        images = self.inputs[key, batch]
        return lambda: getattr(work, kind)(images, labels)

    @staticmethod
    def together(run, repeat):
        cpu, start = time.process_time(), time.perf_counter()
        for _ in range(repeat):
            run()
        return {"seconds": time.perf_counter() - start, "cpuSeconds": time.process_time() - cpu}

    @staticmethod
    def each(run, repeat):
        seconds = []
        for _ in range(repeat):
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        return {"each": seconds}


side = Side()
answers, sys.stdout = sys.stdout, sys.stderr  # what the compiler prints is no answer
for line in sys.stdin:
    try:
        answer = side.answer(json.loads(line))
    except Exception as error:  # noqa: BLE001 a setting that this PyTorch or processor does not have
        answer = {"error": f"{type(error).__name__}: {error}"[:400]}
    print(json.dumps(answer), file=answers, flush=True)
    if json.loads(line)["do"] == "end":
        break
