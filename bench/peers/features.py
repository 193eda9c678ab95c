"""What scikit-image, SciPy and NumPy measure of cells whose pixels are known: the second opinion on hand-made features.

    /usr/bin/python3 bench/peers/features.py > test/engine/fixtures/features.json     (apt: python3-skimage)
    /usr/bin/python3 bench/peers/features.py FOLDER SIDE

The second form measures the images in FOLDER/pixels with the masks in FOLDER/masks, all bytes, and prints the seconds
that took as JSON, for bench/features.ts.
Every number is made here from the definition in docs/features.md, by a library's function where there is one.
"""
import base64
import json
import math
import sys
import time

import numpy as np
import scipy
import skimage
from scipy import ndimage, stats
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.measure import regionprops, shannon_entropy

SIDE = 64


def cells():
    """Smooth noise in a shape on a flat background; far enough above it that the shape is what stands out."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)

    def ellipse(cy, cx, a, b, angle):
        u = (x - cx) * math.cos(angle) + (y - cy) * math.sin(angle)
        v = -(x - cx) * math.sin(angle) + (y - cy) * math.cos(angle)
        return (u / a) ** 2 + (v / b) ** 2 <= 1

    shapes = {
        "nearly a disc": ellipse(31, 32, 17, 15.5, 0.3),
        "ellipse": ellipse(30, 33, 22, 11, 0.5),
        "three lobes": np.hypot(x - 33, y - 31) <= 16 + 1.5 * np.cos(3 * np.arctan2(y - 31, x - 33) + 0.4),
        "cut": ellipse(30, -5, 22, 18, 0.15),
        "16 bits": ellipse(35, 30, 18, 13, 2.2),
    }
    for title, mask in shapes.items():
        noise = ndimage.gaussian_filter(random.standard_normal((SIDE, SIDE)), random.uniform(0.6, 1.6))
        noise = np.clip(noise / noise[mask].std(), -2.5, 2.5)
        mask = ndimage.binary_opening(mask, np.ones((3, 3)))
        wide = title == "16 bits"
        # Even and bright at the outline, so that no pixel of it is in doubt.
        depth = np.clip((ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge"))[1:-1, 1:-1] - 1) / 3, 0, 1)
        image = np.where(mask, 215 + depth * (22 * noise - 15 + 4 * (x - 32) / 16), 20)
        image = np.clip(image, 0, 255)
        image = (image * 150).round().astype(np.uint16) if wide else image.round().astype(np.uint8)
        yield title, image, mask


def shape_of(mask):
    props = regionprops(mask.astype(int))[0]
    rows, columns = np.nonzero(mask)
    corners = np.concatenate([np.stack([rows + a, columns + b], 1) for a in (0, 1) for b in (0, 1)])
    hull = ConvexHull(corners)
    points = corners[hull.vertices]
    edges = np.roll(points, -1, 0) - points
    normals = np.stack([-edges[:, 1], edges[:, 0]], 1) / np.hypot(edges[:, 0], edges[:, 1])[:, None]
    widths = np.ptp(points @ normals.T, axis=0)
    covariance = np.cov(np.stack([rows, columns]), bias=True) + np.eye(2) / 12  # a pixel is a square
    small, large = np.sqrt(np.linalg.eigvalsh(covariance))
    return {
        "area": props.area,
        "perimeter": props.perimeter,
        "equivalentDiameter": props.equivalent_diameter_area,
        "majorAxis": 4 * large,
        "minorAxis": 4 * small,
        "eccentricity": math.sqrt(1 - (small / large) ** 2),
        "solidity": props.area / hull.volume,
        "extent": props.extent,
        "circularity": 4 * math.pi * props.area / props.perimeter**2,
        "convexity": hull.area / props.perimeter,
        "ellipseFit": props.area / (4 * math.pi * large * small),
        "feretLongest": pdist(points).max(),
        "feretShortest": widths.min(),
    }


def intensity_of(image, mask, reach):
    values = image[mask].astype(float)
    background = np.median(image[~mask])
    rows, columns = np.nonzero(mask)
    centre = np.array([rows.mean(), columns.mean()])
    weights = np.abs(values - background)
    places = np.stack([rows, columns], 1)
    mass = (weights[:, None] * places).sum(0) / weights.sum()
    far = ((places - centre) ** 2).sum(1) + 1 / 6
    rim = mask & ~ndimage.binary_erosion(mask)
    halo = ndimage.binary_dilation(mask, np.ones((7, 7))) & ~mask
    form = np.linalg.inv(np.cov(places.T, bias=True) + np.eye(2) / 12)
    radius = np.sqrt(np.einsum("ni,ij,nj->n", places - centre, form, places - centre)) / 2
    ring = np.minimum((radius * 4 + 1e-9).astype(int), 3)
    found = {
        "background": background / reach,
        "mean": (values.mean() - background) / reach,
        "deviation": values.std() / reach,
        "skewness": stats.skew(values),
        "kurtosis": stats.kurtosis(values),
        "total": (values - background).sum() / reach,
        "rimMean": (image[rim].mean() - values.mean()) / values.std(),
        "haloMean": (image[halo].mean() - background) / reach,
        "massDisplacement": np.hypot(*(mass - centre)) / math.sqrt(mask.sum() / math.pi),
        "gyration": math.sqrt((weights * far).sum() / weights.sum() / far.mean()),
    }
    for name, share in [("quantile05", 0.05), ("quantile25", 0.25), ("median", 0.5), ("quantile75", 0.75), ("quantile95", 0.95)]:
        found[name] = (np.quantile(values, share) - background) / reach
    for r in range(4):
        found[f"ring{r + 1}Mean"] = (values[ring == r].mean() - values.mean()) / values.std()
        found[f"ring{r + 1}Deviation"] = values[ring == r].std() / values.std()
    return found


def gradient_of(image, mask, reach):
    plane = image.astype(float)
    dx, dy = ndimage.sobel(plane, 1, mode="nearest") / 8, ndimage.sobel(plane, 0, mode="nearest") / 8
    size, bend = np.hypot(dx, dy)[mask], ndimage.laplace(plane, mode="nearest")[mask]
    rows, columns = np.nonzero(mask)
    centred = np.stack([columns - columns.mean(), rows - rows.mean()])
    _, axes = np.linalg.eigh(np.cov(centred, bias=True))
    along = np.abs(axes[:, 1] @ np.stack([dx[mask], dy[mask]]))
    across = np.abs(axes[:, 0] @ np.stack([dx[mask], dy[mask]]))
    angle = np.degrees(np.arctan2(across, along))
    bins = np.minimum((angle / 22.5).astype(int), 3)
    distance = np.hypot(*centred)
    inward = np.abs(dx[mask] * centred[0] + dy[mask] * centred[1]) / np.where(distance > 0, distance, np.inf)
    rim = (mask & ~ndimage.binary_erosion(mask))[mask]
    deviation = image[mask].std()
    shares = [size[bins == b].sum() / size.sum() for b in range(4)]
    return {
        "gradientMean": size.mean() / reach,
        "gradientDeviation": size.std() / reach,
        "gradientSkewness": stats.skew(size),
        "gradientSharpness": size.mean() / deviation,
        "gradientRim": size[rim].mean() / deviation,
        "gradientRadial": inward.sum() / size.sum(),
        **dict(zip(["gradientAlong", "gradientOblique1", "gradientOblique2", "gradientAcross"], shares)),
        "laplacianMean": np.abs(bend).mean() / deviation,
        "laplacianDeviation": bend.std() / deviation,
        "laplacianSkewness": stats.skew(bend),
    }


def stretch(image, mask):
    low = int(np.quantile(image[mask], 0.01, method="lower"))
    high = int(np.quantile(image[mask], 0.99, method="higher"))
    return ((np.clip(image.astype(int), low, high) - low) * 255 // (high - low)).astype(np.uint8)


def grains_of(stretched, mask):
    found = {}
    for kind, plane in [("bright", stretched), ("dark", 255 - stretched)]:
        plane = np.where(mask, plane, 0)
        before = plane.sum()
        for size in (3, 5, 7, 9):
            after = ndimage.grey_opening(plane, (size, size), mode="constant").sum()
            found[f"{kind}Grains{size}"] = float(before - after) / plane.sum()
            before = after
    return found


def patterns_of(stretched, mask):
    found = {}
    for radius in (1, 2):
        codes = local_binary_pattern(np.pad(stretched, 4, mode="edge"), 8, radius, "uniform")[4:-4, 4:-4][mask]
        for k in range(10):
            found[f"pattern{radius}Bin{k}"] = (codes == k).mean()
    return found


def haralick_of(p):
    """Haralick's definitions, letter by letter, of one matrix of shares."""
    levels = np.arange(len(p))
    i, j = np.meshgrid(levels, levels, indexing="ij")
    entropy = lambda q: -(q[q > 0] * np.log2(q[q > 0])).sum()
    x, y = p.sum(1), p.sum(0)
    plus = np.array([p[i + j == k].sum() for k in range(2 * len(p) - 1)])
    minus = np.array([p[abs(i - j) == k].sum() for k in range(len(p))])
    mean = (levels * x).sum()
    variance = ((levels - mean) ** 2 * x).sum()
    sum_mean = (np.arange(len(plus)) * plus).sum()
    difference_mean = (levels * minus).sum()
    product = np.outer(x, y)
    hxy = entropy(p)
    some = product > 0
    hxy1 = -(p[some] * np.log2(product[some])).sum()
    hxy2 = entropy(product)
    return [
        (p**2).sum(),
        ((i - j) ** 2 * p).sum(),
        ((i - mean) * (j - mean) * p).sum() / variance,
        variance,
        (p / (1 + (i - j) ** 2)).sum(),
        sum_mean,
        ((np.arange(len(plus)) - sum_mean) ** 2 * plus).sum(),
        entropy(plus),
        hxy,
        ((levels - difference_mean) ** 2 * minus).sum(),
        entropy(minus),
        (hxy - hxy1) / max(entropy(x), entropy(y)),
        math.sqrt(1 - math.exp(-2 * math.log(2) * (hxy2 - hxy))),
    ]


PARTS = ["Energy", "Contrast", "Correlation", "Variance", "Similarity", "SumMean", "SumVariance", "SumEntropy", "Entropy",
         "DifferenceVariance", "DifferenceEntropy", "Information1", "Information2"]


def texture_of(stretched, mask):
    levels = np.where(mask, stretched >> 4, 16).astype(np.uint8)
    found = {}
    for distance in (1, 3):
        matrices = []
        for way in range(4):
            # graycomatrix rounds distance x sin: a diagonal step of d pixels both ways is a distance of d root 2.
            long = distance * (math.sqrt(2) if way % 2 else 1)
            counts = graycomatrix(levels, [long], [way * math.pi / 4], levels=17, symmetric=True)[:16, :16]
            matrices.append(counts / counts.sum())
            for name, part in [] if len(sys.argv) > 2 else [("contrast", "Contrast"), ("homogeneity", "Similarity"), ("ASM", "Energy"), ("correlation", "Correlation")]:
                assert np.isclose(graycoprops(matrices[-1], name)[0, 0], haralick_of(matrices[-1][:, :, 0, 0])[PARTS.index(part)])
        numbers = np.array([haralick_of(matrix[:, :, 0, 0]) for matrix in matrices])
        for k, part in enumerate(PARTS):
            found[f"texture{distance}{part}"] = numbers[:, k].mean()
            if distance == 1:
                found[f"texture1{part}Range"] = np.ptp(numbers[:, k])
    return found


def zernike_of(stretched, mask):
    rows, columns = np.nonzero(mask)
    v, u = rows - rows.mean(), columns - columns.mean()
    reach = np.hypot(u, v).max()
    r, angle, f = np.hypot(u, v) / reach, np.arctan2(v, u), stretched[mask].astype(float)
    found = {}
    for n in range(1, 9):
        for m in range(n % 2, n + 1, 2):
            radial = sum(
                (-1) ** s * math.factorial(n - s)
                / (math.factorial(s) * math.factorial((n + m) // 2 - s) * math.factorial((n - m) // 2 - s)) * r ** (n - 2 * s)
                for s in range((n - m) // 2 + 1)
            )
            moment = (f * radial * np.exp(-1j * m * angle)).sum()
            found[f"zernike{n}m{m}"] = (n + 1) / math.pi * abs(moment) / f.sum()
    return found


def measure(image, mask):
    reach = 65535 if image.dtype == np.uint16 else 255
    stretched = stretch(image, mask)
    return {
        **shape_of(mask),
        **intensity_of(image, mask, reach),
        "entropy": shannon_entropy(stretched[mask] >> 3),
        **gradient_of(image, mask, reach),
        **grains_of(stretched, mask),
        **patterns_of(stretched, mask),
        **texture_of(stretched, mask),
        **zernike_of(stretched, mask),
    }


def describe(title, image, mask):
    return {
        "title": title,
        "pixelType": str(image.dtype),
        "pixels": base64.b64encode(image.tobytes()).decode(),
        "mask": base64.b64encode(np.packbits(mask).tobytes()).decode(),
        "expected": {name: float(f"{value:.8g}") for name, value in measure(image, mask).items()},
    }


def clock(folder, side):
    pixels, masks = (np.fromfile(f"{folder}/{name}", np.uint8).reshape(-1, side, side) for name in ("pixels", "masks"))
    started, before = time.perf_counter(), time.process_time()
    for image, mask in zip(pixels, masks):
        if mask.sum() > 20:
            measure(image, mask == 1)
    return {"wall": time.perf_counter() - started, "processor": time.process_time() - before}


if __name__ == "__main__" and len(sys.argv) > 2:
    print(json.dumps(clock(sys.argv[1], int(sys.argv[2]))))
elif __name__ == "__main__":
    by = f"scikit-image {skimage.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}"
    print(json.dumps({"by": by, "side": SIDE, "cases": [describe(*case) for case in cells()]}))
