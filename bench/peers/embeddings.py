"""The peers' side of bench/tsne.ts, and what test/engine/embedding.test.ts and test/explain/separability.test.ts are
judged by: scikit-learn's PCA, t-SNE, trustworthiness, silhouette and logistic regression; umap-learn where it is there.

    /usr/bin/python3 bench/peers/embeddings.py fixture > test/engine/fixtures/embeddings.json
    python3 bench/peers/embeddings.py            one request of JSON a line, one answer, for the bench:

    {"threads": t}                                                                first
    {"do": "tsne", "points": path of float32, "length": D, "perplexity": p}       Barnes-Hut, from PCA
    {"do": "umap", "points": path, "length": D}
    {"do": "judge", "points": path, "length": D, "picture": path, "neighbours": k}    trustworthiness of any picture
    {"do": "end"}
"""
import json
import os
import resource
import sys
import time

serving = len(sys.argv) < 2
first = json.loads(sys.stdin.readline()) if serving else {"threads": 1}
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = str(first["threads"])

import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE, trustworthiness
from sklearn.metrics import silhouette_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def make_points():
    """Three hundred points of five unequal clusters in twelve dimensions, to three decimals."""
    random = np.random.default_rng(7)
    sizes = [100, 80, 60, 40, 20]
    centres = random.normal(0, 1.1, (5, 12))
    labels = np.repeat(np.arange(5), sizes)
    points = centres[labels] + random.normal(0, 1, (300, 12)) * np.linspace(2, 0.3, 12)
    order = random.permutation(300)
    return np.round(points[order], 3), labels[order]


def starts(projected):
    """Eight starts: the plane of the first axes, and seven a little beside it; test/engine/embedding.test.ts makes the same."""
    i = np.arange(projected.size)
    return [(projected.ravel() + (0.05 * np.sin(i * 7.3 + s * 13.7) if s > 0 else 0)).reshape(-1, 2) for s in range(8)]


def barnes_hut(points, start):
    """The divergence that it ends at, from a start of the size that init="pca" has."""
    start = (start / start[:, 0].std() * 1e-4).astype(np.float32)
    tsne = TSNE(method="barnes_hut", init=start, learning_rate="auto", perplexity=30, random_state=0)
    return float(tsne.fit(points.astype(np.float32)).kl_divergence_)


def fixture():
    points, labels = make_points()
    pca = PCA(6, svd_solver="full").fit(points)
    projected = pca.transform(points)
    exact = TSNE(method="exact", init="pca", learning_rate="auto", perplexity=30, random_state=0)
    picture = exact.fit_transform(points.astype(np.float32))
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=1, max_iter=2000, tol=1e-6))
    folds = [cross_val_score(probe, points, labels, cv=StratifiedKFold(5, shuffle=True, random_state=seed))
             for seed in range(10)]
    result = {
        "madeBy": f"bench/peers/embeddings.py, scikit-learn {sklearn.__version__}, NumPy {np.__version__}",
        "dimensions": 12,
        "points": points.ravel().tolist(),
        "labels": labels.tolist(),
        "pca": {"variances": pca.explained_variance_.tolist(), "axes": pca.components_.tolist(),
                "total": float(points.var(axis=0, ddof=1).sum())},
        "silhouette": float(silhouette_score(points, labels)),
        "trustworthiness": {str(k): float(trustworthiness(points, projected[:, :2], n_neighbors=k)) for k in (5, 12, 40)},
        "tsne": {"exact": {"divergence": float(exact.kl_divergence_),
                           "trustworthiness": float(trustworthiness(points, picture, n_neighbors=12))},
                 "barnesHut": {"divergences": [barnes_hut(points, start) for start in starts(projected[:, :2])]}},
        "probe": {"mean": float(np.mean(folds)), "least": float(np.mean(folds, axis=1).min()),
                  "most": float(np.mean(folds, axis=1).max())},
    }
    try:
        import umap
        from umap.umap_ import find_ab_params, fuzzy_simplicial_set
        graph, _, _ = fuzzy_simplicial_set(points.astype(np.float32), 15, np.random.RandomState(0), "euclidean")
        drawn = umap.UMAP(random_state=0).fit_transform(points)
        result["umap"] = {"version": umap.__version__, "curve": [float(x) for x in find_ab_params(1.0, 0.1)],
                          "graph": np.asarray(graph.todense())[:8].round(5).tolist(),
                          "trustworthiness": float(trustworthiness(points, drawn, n_neighbors=12))}
    except ImportError:
        pass
    json.dump(result, sys.stdout)
    print()


def read(path, length):
    return np.fromfile(path, np.float32).reshape(-1, length)


def timed(work):
    start, cpu = time.perf_counter(), time.process_time()
    result = work()
    return {"seconds": time.perf_counter() - start, "cpuSeconds": time.process_time() - cpu}, result


def tsne(request):
    points = read(request["points"], request["length"])
    method = TSNE(init="pca", learning_rate="auto", perplexity=request["perplexity"], random_state=0,
                  n_jobs=first["threads"])
    times, picture = timed(lambda: method.fit_transform(points))
    trust = trustworthiness(points, picture, n_neighbors=12) if len(points) <= 10000 else None
    return {**times, "divergence": float(method.kl_divergence_), "trustworthiness": trust}


def umap_learn(request):
    import umap
    points = read(request["points"], request["length"])
    umap.UMAP(n_epochs=11, random_state=0).fit_transform(points[:200])  # compiles
    times, picture = timed(lambda: umap.UMAP(random_state=0).fit_transform(points))
    trust = trustworthiness(points, picture, n_neighbors=12) if len(points) <= 10000 else None
    return {**times, "trustworthiness": trust, "version": umap.__version__}


def judge(request):
    points, picture = read(request["points"], request["length"]), read(request["picture"], 2)
    return {"trustworthiness": float(trustworthiness(points, picture, n_neighbors=request["neighbours"]))}


def serve():
    print(json.dumps({"sklearn": sklearn.__version__, "numpy": np.__version__}), flush=True)
    works = {"tsne": tsne, "umap": umap_learn, "judge": judge}
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "end":
            print(json.dumps({"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}), flush=True)
            return
        print(json.dumps(works[request["do"]](request)), flush=True)


serve() if serving else fixture()
