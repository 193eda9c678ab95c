"""PyTorch's side of bench/train.ts: reads "train" or "forward" a line, does it once and answers {"seconds": s};
"end" answers {"peakBytes": n}. Arguments: batch, threads, layout (channels_last or contiguous).

The same network, batch, loss and optimiser as bench/speed/worker.ts, float32, in the setting that is fastest for
PyTorch on a processor: channels_last, the fused Adam, inputs ready as float32.
"""
import json
import resource
import sys
import time

import torch
from torch import nn

batch, threads, layout = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(threads)
torch.manual_seed(1)
memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format


def block(channels, filters, kernel, stride, pad):
    """TensorFlow's 'same' padding: (left, right, top, bottom)."""
    return [
        nn.ZeroPad2d(pad),
        nn.Conv2d(channels, filters, kernel, stride),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.BatchNorm2d(filters, eps=0.001, momentum=0.01),
    ]


network = nn.Sequential(
    *block(1, 32, 11, 2, (4, 5, 4, 5)),
    *block(32, 64, 6, 2, (2, 2, 2, 2)),
    nn.Conv2d(64, 128, 3, padding=1),
    nn.MaxPool2d(2),
    nn.ReLU(),
    nn.BatchNorm2d(128, eps=0.001, momentum=0.01),
    nn.Flatten(),
    nn.Linear(2048, 2048),
    nn.ReLU(),
    nn.Linear(2048, 64),
    nn.ReLU(),
    nn.Linear(64, 4),
).to(memory_format=memory_format)
optimiser = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
labels = torch.arange(batch) % 4
images = torch.rand(batch, 1, 128, 128) - 0.5 + 0.1 * labels.view(-1, 1, 1, 1)
images = images.contiguous(memory_format=memory_format)


def train():
    network.train()
    optimiser.zero_grad(set_to_none=True)
    nn.functional.cross_entropy(network(images), labels).backward()
    optimiser.step()


def forward():
    network.eval()
    with torch.inference_mode():
        torch.softmax(network(images), 1)


print(json.dumps({"version": torch.__version__}), flush=True)
for line in sys.stdin:
    if line.strip() == "end":
        print(json.dumps({"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}), flush=True)
        break
    start = time.perf_counter()
    {"train": train, "forward": forward}[line.strip()]()
    print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
