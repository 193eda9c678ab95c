"""The same network, recipe and split in PyTorch, written from the documentation of the recipe alone.

Usage: python peer.py JOB.json    (JOB.json is written by accuracy.ts)
Prints one line of JSON: the test scores of the epoch that the validation part chose.

N images, C channels, H rows, W columns, K classes. Augmentation draws from the same ranges, but each batch shares
nothing with brightcell's: other random numbers, another sampler (grid_sample), another blur.
"""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "peers"))
from network import build


def initialise(net, initialiser):
    for module in net.modules():
        if not isinstance(module, (nn.Conv2d, nn.Linear)):
            continue
        if initialiser["name"] == "glorotUniform":
            nn.init.xavier_uniform_(module.weight)
        elif initialiser["name"] == "heNormal":
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        else:
            deviation = initialiser["deviation"]
            nn.init.trunc_normal_(module.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
        if module.bias is not None:
            nn.init.constant_(module.bias, initialiser.get("bias", 0.0))


def augment(x, ranges):
    """x [N, C, H, W] float pixels. One affine warp with bilinear sampling and clamped border, then blur,
    brightness, contrast and noise, each image with values of its own."""
    n, _, height, width = x.shape

    def both(extent):
        return extent * (2 * torch.rand(n) - 1)

    angle = both(math.radians(ranges.get("rotateDegrees", 0)))
    scale = torch.exp(both(math.log1p(ranges.get("scale", 0))))
    sign_x = 1 - 2 * (torch.rand(n) < 0.5).float() if ranges.get("flipHorizontal") else torch.ones(n)
    sign_y = 1 - 2 * (torch.rand(n) < 0.5).float() if ranges.get("flipVertical") else torch.ones(n)
    theta = torch.zeros(n, 2, 3)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    theta[:, 0, 0], theta[:, 0, 1], theta[:, 0, 2] = sign_x * cos, sign_x * sin * (height / width), 2 * both(ranges.get("translate", 0))
    theta[:, 1, 0], theta[:, 1, 1], theta[:, 1, 2] = -sign_y * sin * (width / height), sign_y * cos, 2 * both(ranges.get("translate", 0))
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    x = blur(x, ranges.get("blurSigma", 0) * torch.rand(n))
    mean = x.mean((1, 2, 3), keepdim=True)
    deviation = x.std((1, 2, 3), keepdim=True, unbiased=False)
    gain = (1 + both(ranges.get("brightness", 0))).view(n, 1, 1, 1)
    contrast = (1 + both(ranges.get("contrast", 0))).view(n, 1, 1, 1)
    noise = (ranges.get("noise", 0) * torch.rand(n)).view(n, 1, 1, 1) * deviation * gain * contrast
    return gain * (mean + contrast * (x - mean)) + noise * torch.randn_like(x)


def blur(x, sigma):
    if float(sigma.max()) < 0.1:
        return x
    n, c, height, width = x.shape
    radius = math.ceil(3 * float(sigma.max()))
    taps = torch.arange(-radius, radius + 1).float()
    kernel = torch.exp(-0.5 * (taps / sigma.clamp_min(1e-3).view(n, 1)) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(c, 0)
    y = F.pad(x.reshape(1, n * c, height, width), (radius, radius, radius, radius), mode="replicate")
    y = F.conv2d(y, kernel.view(n * c, 1, -1, 1), groups=n * c)
    return F.conv2d(y, kernel.view(n * c, 1, 1, -1), groups=n * c).view(n, c, height, width)


def normalise(x, how, top):
    if how == "none":
        return x
    if how == "range":
        return x / top
    mean = x.mean((1, 2, 3), keepdim=True)
    if how == "mean":
        return x / mean.clamp_min(1e-4 * top) - 1
    return (x - mean) / x.std((1, 2, 3), keepdim=True, unbiased=False).clamp_min(1e-6 * top)


def hurry_batch_norm(net, step):
    """The recipe's running statistics: the decay rises to its full value, so that they are true early on."""
    for module in net.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.momentum = 1 - min(module.full_decay, (1 + step) / (10 + step))


def loss_of(logits, labels, loss):
    if loss["name"] == "crossEntropy":
        return F.cross_entropy(logits, labels, label_smoothing=loss.get("labelSmoothing", 0.0))
    if loss["name"] == "doubleSoftmax":
        return F.cross_entropy(logits.softmax(1), labels)
    raise SystemExit(f"the peer does not know the loss {loss['name']}")


def make_optimiser(net, settings):
    chosen = settings["optimiser"]
    betas = (chosen.get("beta1", 0.9), chosen.get("beta2", 0.999))
    decayed = [m.weight for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    ids = {id(p) for p in decayed}
    rest = [p for p in net.parameters() if id(p) not in ids]
    decay = chosen.get("weightDecay", 0.01) if chosen["name"] == "adamw" else 0.0
    groups = [{"params": decayed, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings["learningRate"], betas=betas, eps=chosen.get("epsilon", 1e-8))


def rate_at(settings, epoch, step, steps):
    schedule, peak = settings["schedule"], settings["learningRate"]
    if schedule["name"] == "constant":
        return peak
    if schedule["name"] == "step":
        return peak * schedule["factor"] ** (epoch // schedule["every"])
    total, done = settings["epochs"] * steps, epoch * steps + step
    warm = round(schedule["warmup"] * total)
    if done < warm:
        return peak * (done + 1) / (warm + 1)
    fraction = (done - warm) / max(1, total - warm)
    return peak * (schedule["final"] + (1 - schedule["final"]) * (1 + math.cos(math.pi * fraction)) / 2)


class Order:
    """The order of an epoch. Balanced: every class equally often, as many rows as there are images; the images of
    a class are dealt from a deck that is shuffled whenever it is used up and goes on over epochs."""

    def __init__(self, labels, balance, rng):
        self.labels, self.balance, self.rng = labels, balance, rng
        self.members = [np.flatnonzero(labels == k) for k in np.unique(labels)]
        self.decks = [np.empty(0, dtype=np.int64) for _ in self.members]

    def draw(self):
        if self.balance == "none":
            return self.rng.permutation(len(self.labels))
        count, classes = len(self.labels), len(self.members)
        shares = [(k + 1) * count // classes - k * count // classes for k in range(classes)]
        return self.rng.permutation(np.concatenate([self.deal(k, share) for k, share in enumerate(shares)]))

    def deal(self, k, count):
        while len(self.decks[k]) < count:
            self.decks[k] = np.concatenate([self.decks[k], self.rng.permutation(self.members[k])])
        dealt, self.decks[k] = self.decks[k][:count], self.decks[k][count:]
        return dealt


def predict(net, pixels, settings, top):
    net.eval()
    with torch.no_grad():
        parts = [net(normalise(torch.from_numpy(pixels[i : i + 256].astype(np.float32)), settings["normalisation"], top)) for i in range(0, len(pixels), 256)]
    net.train()
    return torch.cat(parts)


def macro_f1(labels, predicted, classes):
    scores = []
    for k in range(classes):
        hit = np.sum((labels == k) & (predicted == k))
        wrong = np.sum((labels == k) != (predicted == k))
        if np.any(labels == k):
            scores.append(2 * hit / (2 * hit + wrong))
    return float(np.mean(scores))


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    torch.manual_seed(job["seed"])
    torch.set_num_threads(job["threads"])
    rng = np.random.default_rng(job["seed"])
    settings = job["settings"]
    pixels = np.load(job["pixels"])
    labels = np.array(job["labels"], dtype=np.int64)
    part = {name: np.array(ids, dtype=np.int64) for name, ids in job["parts"].items()}
    top = float(np.iinfo(pixels.dtype).max)
    started = time.time()

    net = build(job["spec"]).to(memory_format=torch.channels_last)
    initialise(net, settings["initialiser"])
    optimiser = make_optimiser(net, settings)
    order = Order(labels[part["train"]], settings["balance"], rng)
    steps = -(-len(part["train"]) // settings["batchSize"])
    best, best_state, best_epoch, epoch = (math.inf, math.inf), None, 0, 0
    for epoch in range(settings["epochs"]):
        for step, rows in enumerate(np.array_split(part["train"][order.draw()], steps)):
            x = torch.from_numpy(pixels[rows].astype(np.float32))
            if settings["augmentation"]:
                x = augment(x, settings["augmentation"])
            for group in optimiser.param_groups:
                group["lr"] = rate_at(settings, epoch, step, steps)
            hurry_batch_norm(net, epoch * steps + step)
            optimiser.zero_grad(set_to_none=True)
            loss_of(net(normalise(x, settings["normalisation"], top)), torch.from_numpy(labels[rows]), settings["loss"]).backward()
            if settings["clipNorm"] > 0:
                nn.utils.clip_grad_norm_(net.parameters(), settings["clipNorm"])
            optimiser.step()
        logits = predict(net, pixels[part["validation"]], settings, top)
        held = labels[part["validation"]]
        loss = float(loss_of(logits, torch.from_numpy(held), settings["loss"]))
        value = (loss, 0.0) if settings["monitor"] == "loss" else (-macro_f1(held, logits.argmax(1).numpy(), job["classes"]), loss)
        if value < best:
            best, best_epoch = value, epoch
            best_state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        elif settings["patience"] > 0 and epoch - best_epoch >= settings["patience"]:
            break
    net.load_state_dict(best_state)
    predicted = predict(net, pixels[part["test"]], settings, top).argmax(1).numpy()
    truth = labels[part["test"]]
    recalls = [float(np.mean(predicted[truth == k] == k)) for k in range(job["classes"]) if np.any(truth == k)]
    print(json.dumps({
        "accuracy": float(np.mean(predicted == truth)),
        "balancedAccuracy": float(np.mean(recalls)),
        "macroF1": macro_f1(truth, predicted, job["classes"]),
        "epochs": epoch + 1,
        "bestEpoch": best_epoch + 1,
        "seconds": time.time() - started,
    }))


if __name__ == "__main__":
    main()
