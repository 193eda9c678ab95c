"""Ten training steps by PyTorch, for test/engine/judgeTenSteps.test.ts.

    python bench/peers/ten_steps.py > test/engine/fixtures/ten-steps.json
    python bench/peers/ten_steps.py --quick     without the runs in float32

Networks are the same lists of layers that brightcell takes; images, labels and first weights follow from an integer
hash that both sides compute, so no file is exchanged. Every case is run in float64, the reference, and in float32,
which shows how far rounding alone may go. Made with PyTorch 2.13.
"""
import json
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(2)


def hash32(start, count):
    """The numbers mix(start), mix(start + 1), ... in [0, 2^32): the finaliser of MurmurHash3."""
    z = (np.arange(start, start + count, dtype=np.uint64) * np.uint64(0x9E3779B1)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        z = ((z ^ (z >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    return z ^ (z >> np.uint64(16))


def uniform(tensor, count):
    """`count` numbers in [-1, 1) for the tensor of this number; the tensors' streams do not meet below 2^24 numbers."""
    return hash32((tensor + 1) << 24, count).astype(np.float64) / 2**31 - 1


def make_images(case):
    """[N, C, H, W] of 0 to 255: a hashed pattern a class with hashed noise an image, brighter with the class."""
    C, H, W = (case["network"]["input"][side] for side in ("channels", "height", "width"))
    size, labels = C * H * W, make_labels(case)
    images = np.empty((case["batch"], size))
    for n, label in enumerate(labels):
        pattern = hash32(1_000_003 * (int(label) + 1), size) >> np.uint64(26)
        noise = hash32(7_000_001 + n * size, size) >> np.uint64(25)
        images[n] = pattern + noise + np.uint64(20 + 5 * int(label))
    return images.reshape(case["batch"], C, H, W)


def make_labels(case):
    return (hash32(31, case["batch"]) % np.uint64(case["classes"])).astype(np.int64)


def normalise(images, how):
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    if how == "range":
        return images / 255
    if how == "mean":
        return images / mean - 1
    return (images - mean) / images.std(axis=(1, 2, 3), keepdims=True)


def pair(extent):
    return [extent, extent] if isinstance(extent, int) else extent


def pads(size, window, stride, padding):
    """[top, bottom, left, right]; 'same' as TensorFlow pads."""
    if padding == "valid":
        return [0, 0, 0, 0]
    if padding != "same":
        return padding
    sides = []
    for n, k, s in zip(size, window, stride):
        total = max((math.ceil(n / s) - 1) * s + k - n, 0)
        sides += [total // 2, total - total // 2]
    return sides


class Network:
    """A list of layers with its tensors by brightcell's names."""

    def __init__(self, spec, dtype):
        self.layers, self.tensors, self.dtype, self.steps = spec["layers"], {}, dtype, 0
        x = torch.zeros(2, *(spec["input"][side] for side in ("channels", "height", "width")), dtype=dtype)
        for index, layer in enumerate(self.layers):
            self.create(index, layer, x)
            x = self.run_layer(index, layer, x, training=False).detach()

    def create(self, index, layer, x):
        prefix, channels = f"{index}.{layer['type']}", x.shape[1]
        if layer["type"] == "conv":
            rows, columns = pair(layer["kernel"])
            self.weights(prefix, [layer["filters"], channels, rows, columns], layer.get("bias", True))
        elif layer["type"] == "dense":
            self.weights(prefix, [layer["units"], x[0].numel()], layer.get("bias", True))
        elif layer["type"] == "batchNorm":
            self.add(f"{prefix}.gamma", [channels], lambda u: 1 + 0.1 * u)
            self.add(f"{prefix}.beta", [channels], lambda u: 0.1 * u)
            self.add(f"{prefix}.runningMean", [channels], lambda u: 0 * u, trained=False)
            self.add(f"{prefix}.runningVariance", [channels], lambda u: 0 * u + 1, trained=False)

    def weights(self, prefix, shape, bias):
        fan_in, area = math.prod(shape[1:]), math.prod(shape[2:])
        limit = math.sqrt(6 / (fan_in + shape[0] * area))
        self.add(f"{prefix}.weights", shape, lambda u: limit * u)
        if bias:
            self.add(f"{prefix}.bias", shape[:1], lambda u: 0.01 * u)

    def add(self, name, shape, value, trained=True):
        numbers = value(uniform(len(self.tensors), math.prod(shape))).astype(np.float32)
        tensor = torch.tensor(numbers.reshape(shape), dtype=self.dtype)
        self.tensors[name] = tensor.requires_grad_(trained)

    def run(self, x, training):
        for index, layer in enumerate(self.layers):
            x = self.run_layer(index, layer, x, training)
        return x.flatten(1)

    def run_layer(self, index, layer, x, training):
        kind = layer["type"]
        get = lambda what: self.tensors.get(f"{index}.{kind}.{what}")
        if kind == "conv":
            window, stride = pair(layer["kernel"]), pair(layer.get("stride", 1))
            top, bottom, left, right = pads(x.shape[2:], window, stride, layer["padding"])
            return F.conv2d(F.pad(x, [left, right, top, bottom]), get("weights"), get("bias"), stride)
        if kind in ("maxPool", "averagePool"):
            window = pair(layer["size"])
            stride = pair(layer.get("stride", window))
            top, bottom, left, right = pads(x.shape[2:], window, stride, layer["padding"])
            around = [left, right, top, bottom]
            if kind == "maxPool":
                return F.max_pool2d(F.pad(x, around, value=-math.inf), window, stride)
            inside = F.avg_pool2d(F.pad(torch.ones_like(x), around), window, stride)
            return F.avg_pool2d(F.pad(x, around), window, stride) / inside
        if kind == "batchNorm":
            # The decay rises to its value: early statistics would otherwise weigh for hundreds of steps.
            decay = min(layer["decay"], (1 + self.steps) / (10 + self.steps))
            running = get("runningMean"), get("runningVariance")
            return F.batch_norm(x, *running, get("gamma"), get("beta"), training, 1 - decay, layer["epsilon"])
        if kind == "dense":
            return F.linear(x.flatten(1), get("weights"), get("bias"))[:, :, None, None]
        return {"relu": F.relu, "tanh": torch.tanh, "scaledTanh": lambda v: 1.7159 * torch.tanh(v * 2 / 3)}[kind](x)


def make_optimiser(case, network):
    trained = {name: one for name, one in network.tensors.items() if one.requires_grad}
    settings, rate = case["optimiser"], case["learningRate"]
    decay = settings.get("weightDecay", 0)
    groups = [
        {"params": [one for name, one in trained.items() if name.endswith("weights")], "weight_decay": decay},
        {"params": [one for name, one in trained.items() if not name.endswith("weights")], "weight_decay": 0},
    ]
    if settings["name"] == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=settings["momentum"], nesterov=settings["nesterov"])
    kind = torch.optim.AdamW if settings["name"] == "adamw" else torch.optim.Adam
    return kind(groups, lr=rate, betas=(settings["beta1"], settings["beta2"]), eps=settings["epsilon"])


def compute_loss(settings, logits, labels):
    name = settings["name"]
    if name == "crossEntropy":
        return F.cross_entropy(logits, labels, label_smoothing=settings.get("labelSmoothing", 0))
    if name == "doubleSoftmax":
        return F.cross_entropy(F.softmax(logits, 1), labels)
    if name == "meanSquaredError":
        return F.mse_loss(F.softmax(logits, 1), F.one_hot(labels, logits.shape[1]).to(logits.dtype))
    p = F.softmax(logits, 1).gather(1, labels[:, None])[:, 0]
    return (-((1 - p) ** settings["gamma"]) * p.log()).mean()


def run_case(case, dtype):
    network = Network(case["network"], dtype)
    x = torch.tensor(normalise(make_images(case), case["normalisation"]), dtype=dtype)
    labels = torch.tensor(make_labels(case))
    optimiser = make_optimiser(case, network)
    trained = [one for one in network.tensors.values() if one.requires_grad]
    losses, norms = [], []
    for _ in range(10):
        optimiser.zero_grad()
        loss = compute_loss(case["loss"], network.run(x, training=True), labels)
        loss.backward()
        limit = case.get("clipNorm", math.inf)
        norms.append(torch.nn.utils.clip_grad_norm_(trained, limit).item())
        optimiser.step()
        network.steps += 1
        losses.append(loss.item())
    with torch.no_grad():
        probabilities = F.softmax(network.run(x, training=False), 1)
    return {"losses": losses, "gradientNorms": norms, "probabilities": probabilities.flatten().tolist()}


def pooled(filters, kernel, stride, activation):
    norm = {"type": "batchNorm", "decay": 0.99, "epsilon": 0.001}
    conv = {"type": "conv", "filters": filters, "kernel": kernel, "stride": stride, "padding": "same"}
    return [conv, {"type": "maxPool", "size": 2, "stride": 2, "padding": "valid"}, {"type": activation}, norm]


def dense(*units):
    layers = []
    for one in units:
        layers += [{"type": "dense", "units": one}, {"type": "relu"}]
    return layers[:-1]


def square(side):
    return {"channels": 1, "height": side, "width": side}


cellnet = {
    "name": "cellnet",
    "input": square(128),
    "layers": [
        *pooled(32, 11, 2, "relu"),
        *pooled(64, 6, 2, "relu"),
        *pooled(128, 3, 1, "relu"),
        *dense(2048, 64, 4),
    ],
}

odd = {
    "name": "odd",
    "input": {"channels": 3, "height": 19, "width": 26},
    "layers": [
        {"type": "conv", "filters": 7, "kernel": [5, 4], "stride": [2, 1], "padding": "same", "bias": False},
        {"type": "batchNorm", "decay": 0.3, "epsilon": 1e-5},
        {"type": "scaledTanh"},
        {"type": "averagePool", "size": 3, "stride": 2, "padding": "same"},
        {"type": "conv", "filters": 9, "kernel": 3, "stride": 1, "padding": [1, 0, 2, 1]},
        {"type": "tanh"},
        {"type": "maxPool", "size": [3, 2], "stride": [1, 2], "padding": "same"},
        {"type": "batchNorm", "decay": 0.99, "epsilon": 0.001},
        {"type": "dense", "units": 21},
        {"type": "relu"},
        {"type": "batchNorm", "decay": 0.95, "epsilon": 0.001},
        {"type": "dense", "units": 5, "bias": False},
    ],
}

plain = {
    "name": "plain",
    "input": square(33),
    "layers": [
        {"type": "conv", "filters": 6, "kernel": 7, "stride": 1, "padding": "valid"},
        {"type": "scaledTanh"},
        {"type": "maxPool", "size": 3, "stride": 2, "padding": "valid"},
        {"type": "conv", "filters": 16, "kernel": 4, "stride": 2, "padding": "same"},
        {"type": "scaledTanh"},
        {"type": "dense", "units": 15},
        {"type": "scaledTanh"},
        {"type": "dense", "units": 3},
    ],
}

adam = {"name": "adam", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
adamw = {"name": "adamw", "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-7, "weightDecay": 0.1}
sgd = {"name": "sgd", "momentum": 0.9, "nesterov": False, "weightDecay": 0.01}
nesterov = {"name": "sgd", "momentum": 0.8, "nesterov": True, "weightDecay": 0}
entropy = {"name": "crossEntropy"}


def case(title, network, optimiser, rate, loss, normalisation, batch, **more):
    return {
        "title": title,
        "network": network,
        "classes": network["layers"][-1]["units"],
        "optimiser": optimiser,
        "learningRate": rate,
        "loss": loss,
        "normalisation": normalisation,
        "batch": batch,
        **more,
    }


cases = [
    case("cellnet, Adam", cellnet, adam, 2e-5, entropy, "mean", 12),
    case("odd, AdamW, smoothed labels", odd, adamw, 2e-3, {"name": "crossEntropy", "labelSmoothing": 0.1}, "mean", 13),
    case("odd, SGD with momentum", odd, sgd, 0.02, entropy, "standardise", 13),
    case("odd, Adam, double softmax", odd, adam, 2e-3, {"name": "doubleSoftmax"}, "standardise", 16),
    case("plain, SGD with momentum", plain, sgd, 0.05, entropy, "range", 9),
    case("plain, Nesterov, focal, clipped", plain, nesterov, 0.1, {"name": "focal", "gamma": 2}, "standardise", 9,
         clipNorm=0.5),
    case("plain, AdamW, mean squared error", plain, adamw, 3e-3, {"name": "meanSquaredError"}, "mean", 9),
]

if __name__ == "__main__":
    for one in cases:
        one["float64"] = run_case(one, torch.float64)
        if "--quick" not in sys.argv:
            one["float32"] = {"losses": run_case(one, torch.float32)["losses"]}
    json.dump({"by": f"PyTorch {torch.__version__}", "cases": cases}, sys.stdout)
    print()
