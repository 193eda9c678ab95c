"""Gradients of one training step by PyTorch, for test/engine/judgeGradients.test.ts.

    python bench/peers/gradients.py '<case as JSON>' FOLDER

A case is {"network": list of layers, "classes", "normalisation", "batch", "parts"}: `parts` batches of `batch` images each, one
after another from the hashed images of ten_steps.py, with its first weights and cross-entropy. For each part the
gradients in float64 go to FOLDER/<part>.f64, all tensors one after another; standard output says, as JSON, the names
and sizes of the tensors and, for each part, the squared distance of float32 from float64 for each tensor.
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

from ten_steps import Network, make_images, make_labels, normalise


def gradients(case, images, labels, dtype):
    network = Network(case["network"], dtype)
    x = torch.tensor(normalise(images, case["normalisation"]), dtype=dtype)
    F.cross_entropy(network.run(x, training=True), torch.tensor(labels)).backward()
    return {name: one.grad.double().numpy() for name, one in network.tensors.items() if one.requires_grad}


def main(case, folder):
    whole = {**case, "batch": case["batch"] * case["parts"]}
    images, labels = make_images(whole), make_labels(whole)
    distances, sizes = [], {}
    for part in range(case["parts"]):
        rows = slice(part * case["batch"], (part + 1) * case["batch"])
        exact = gradients(case, images[rows], labels[rows], torch.float64)
        rounded = gradients(case, images[rows], labels[rows], torch.float32)
        np.concatenate([one.ravel() for one in exact.values()]).tofile(f"{folder}/{part}.f64")
        distances.append({name: float(np.sum((rounded[name] - exact[name]) ** 2)) for name in exact})
        sizes = {name: one.size for name, one in exact.items()}
    json.dump({"sizes": sizes, "distances": distances}, sys.stdout)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])
