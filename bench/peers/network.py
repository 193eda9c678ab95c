"""brightcell's network specs as PyTorch modules, for the peers of this folder's comparisons.

C channels, H rows, W columns. Padding 'same' is TensorFlow's: what is odd goes to the bottom and right.
"""
import math

import torch
from torch import nn


class ScaledTanh(nn.Module):
    def forward(self, x):
        return 1.7159 * torch.tanh(x * (2 / 3))


def build(spec):
    """nn.Sequential of a spec ({"input": {...}, "layers": [...]}), weights as PyTorch initialises them."""
    modules, shape = [], (spec["input"]["channels"], spec["input"]["height"], spec["input"]["width"])
    for layer in spec["layers"]:
        new = layer_modules(layer, shape)
        with torch.no_grad():
            probe = nn.Sequential(*new).eval()(torch.zeros(1, *shape))
        shape = tuple(probe.shape[1:])
        modules += new
    return nn.Sequential(*modules)


def layer_modules(layer, shape):
    kind = layer["type"]
    if kind == "conv":
        kernel, stride = pair(layer["kernel"]), pair(layer.get("stride", 1))
        conv = nn.Conv2d(shape[0], layer["filters"], kernel, stride, bias=layer.get("bias", True))
        return padded(conv, pads(layer, shape, kernel, stride), 0.0)
    if kind in ("maxPool", "averagePool"):
        kernel = pair(layer["size"])
        stride = pair(layer.get("stride", layer["size"]))
        around = pads(layer, shape, kernel, stride)
        if kind == "maxPool":
            return padded(nn.MaxPool2d(kernel, stride), around, -math.inf)
        if any(around):
            raise SystemExit("the peer has no average pool that leaves a padded border out")
        return [nn.AvgPool2d(kernel, stride)]
    if kind == "batchNorm":
        norm = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
        module = norm(shape[0], eps=layer.get("epsilon", 0.001), momentum=1 - layer.get("decay", 0.99))
        module.full_decay = layer.get("decay", 0.99)
        return [module]
    if kind == "dense":
        flat = [nn.Flatten()] if len(shape) == 3 else []
        return flat + [nn.Linear(math.prod(shape), layer["units"], bias=layer.get("bias", True))]
    if kind == "dropout":
        return [nn.Dropout(layer["rate"])]
    return [{"relu": nn.ReLU, "tanh": nn.Tanh, "scaledTanh": ScaledTanh}[kind]()]


def pair(extent):
    return tuple(extent) if isinstance(extent, list) else (extent, extent)


def pads(layer, shape, kernel, stride):
    """(top, bottom, left, right)."""
    padding = layer.get("padding", "valid")
    if padding == "valid":
        return (0, 0, 0, 0)
    if padding != "same":
        return tuple(padding)
    around = ()
    for size, window, step in zip(shape[1:], kernel, stride):
        total = max((math.ceil(size / step) - 1) * step + window - size, 0)
        around += (total // 2, total - total // 2)
    return around


def padded(module, around, value):
    """The layer pads by itself where it can: that is faster than a layer of padding before it."""
    top, bottom, left, right = around
    if not any(around):
        return [module]
    own_limit = [size // 2 for size in pair_of(module.kernel_size)] if isinstance(module, nn.MaxPool2d) else [math.inf] * 2
    if top == bottom <= own_limit[0] and left == right <= own_limit[1]:
        module.padding = (top, left)
        if isinstance(module, nn.Conv2d):
            module._reversed_padding_repeated_twice = [left, left, top, top]
        return [module]
    return [nn.ConstantPad2d((left, right, top, bottom), value), module]


def pair_of(size):
    return size if isinstance(size, tuple) else (size, size)
