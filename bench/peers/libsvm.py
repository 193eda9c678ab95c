"""What LIBSVM (inside scikit-learn's SVC) makes of real images: the reference of test/learners/svm.test.ts.

Run from the root of the repository, with scikit-learn, numpy and Pillow:
    python3 bench/peers/libsvm.py > test/learners/fixtures/libsvm.json
Images are read from ../shared/data, cropped or padded with zeros about the centre to a square; every fifth is held out.
A checksum of the pixels lets the test see that it reads the same ones.
"""

import csv
import json
import sys
import zlib

import numpy as np
from PIL import Image
from sklearn.svm import SVC

DATA = "../shared/data"
SETS = {"mitocheck": 32, "tcell": 48, "flowcam": 48}


def square(image, side):
    """Centre crop or zero padding; of several channels the second (green)."""
    if image.ndim == 3:
        image = image[:, :, 1]
    out = np.zeros((side, side), np.uint8)
    h, w = image.shape
    height, width = min(h, side), min(w, side)
    top, left = (h - height) // 2, (w - width) // 2
    y, x = (side - height) // 2, (side - width) // 2
    out[y : y + height, x : x + width] = image[top : top + height, left : left + width]
    return out


def read(name, side):
    with open(f"{DATA}/{name}/cells.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["label"] for row in rows})
    pixels = np.stack([square(np.asarray(Image.open(f"{DATA}/{name}/{row['path']}")), side) for row in rows])
    labels = np.array([names.index(row["label"]) for row in rows], np.int32)
    return pixels.reshape(len(rows), -1), labels, names


def objectives(model, kernel, labels, c, classes):
    """Dual objective of each pair, from the coefficients that LIBSVM keeps."""
    starts = np.concatenate([[0], np.cumsum(model.n_support_)])
    result = []
    for i in range(classes):
        for j in range(i + 1, classes):
            of_i, of_j = slice(starts[i], starts[i + 1]), slice(starts[j], starts[j + 1])
            beta = np.concatenate([model.dual_coef_[j - 1, of_i], model.dual_coef_[i, of_j]])
            points = np.concatenate([model.support_[of_i], model.support_[of_j]])
            used = beta != 0
            beta, points = beta[used], points[used]
            result.append(float(0.5 * beta @ kernel[np.ix_(points, points)] @ beta - np.abs(beta).sum()))
    return result


def main():
    report = {}
    for name, side in SETS.items():
        pixels, labels, names = read(name, side)
        held = np.arange(len(labels)) % 5 == 0
        x, y = pixels[~held] / 255.0, labels[~held]
        scale = 1 / (x.shape[1] * x.var())
        square_norms = (x * x).sum(1)
        distances = np.maximum(square_norms[:, None] + square_norms[None] - 2 * x @ x.T, 0)
        cells = []
        for c, factor, weight in [(0.5, 0.5, None), (10, 0.5, None), (0.5, 2, None), (10, 2, None), (2, 1, "balanced")]:
            probability = factor == 1
            gamma = scale * factor
            model = SVC(C=c, gamma=gamma, class_weight=weight, cache_size=500, probability=probability, random_state=1)
            model.fit(x, y)
            test = pixels[held] / 255.0
            model.probability = False
            cell = {"c": c, "factor": factor, "gamma": gamma, "classWeights": weight or "none"}
            cell["support"] = [int(n) for n in model.support_]
            cell["objectives"] = objectives(model, np.exp(-gamma * distances), y, c, len(names))
            cell["intercepts"] = [float(v) for v in model.intercept_ * (1 if len(names) > 2 else -1)]
            cell["predictions"] = [int(v) for v in model.predict(test)]
            if probability:
                model.probability = True
                cell["probabilities"] = [[round(float(v), 4) for v in row] for row in model.predict_proba(test)]
            cells.append(cell)
            print(name, c, factor, len(model.support_), (model.predict(test) == labels[held]).mean(), file=sys.stderr)
        report[name] = {"side": side, "classes": names, "crc32": zlib.crc32(pixels.tobytes()), "cells": cells}
    json.dump(report, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
