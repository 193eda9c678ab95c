"""The peers' side of bench/knn.ts: OpenBLAS by way of NumPy, and scikit-learn. One request of JSON a line, one answer.

    {"do": "open", "references": path, "queries": path, "length": D, "classes": K, "threads": t}
    {"do": "product", "left": M, "right": N}        the matrix product of M queries and N references in float32
    {"do": "neighbours", "queries": Q, "references": R, "k": k, "give": bool}    brute force, and a majority vote
    {"do": "end"}

Files hold rows of D bytes. Everything is made float32, which scikit-learn and BLAS take, before the clock starts.
Answers {"seconds": s, "cpuSeconds": c}; with "give", the places of the neighbours of the first 32 queries as well.
"""
import json
import os
import resource
import sys
import time

first = json.loads(sys.stdin.readline())
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = str(first["threads"])

import numpy as np
import sklearn
import threadpoolctl
from sklearn.neighbors import KNeighborsClassifier

opened = {}


def open_files(request):
    for name in ("references", "queries"):
        opened[name] = np.memmap(request[name], dtype=np.uint8, mode="r").reshape(-1, request["length"])
    opened["classes"] = request["classes"]
    blas = [f"{pool['internal_api']} {pool['version']} ({pool.get('architecture')}, {pool['num_threads']} threads)"
            for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    return {"blas": blas[0] if blas else "unknown", "sklearn": sklearn.__version__, "numpy": np.__version__}


def as_floats(name, count):
    key = (name, count)
    if key not in opened:
        for old in [old for old in opened if isinstance(old, tuple) and old[0] == name]:
            del opened[old]
        opened[key] = opened[name][:count].astype(np.float32)
    return opened[key]


def timed(work):
    start, cpu = time.perf_counter(), time.process_time()
    result = work()
    return {"seconds": time.perf_counter() - start, "cpuSeconds": time.process_time() - cpu}, result


def product(request):
    left, right = as_floats("queries", request["left"]), as_floats("references", request["right"])
    out = opened.setdefault("out", np.zeros((len(left), len(right)), np.float32))
    return timed(lambda: np.matmul(left, right.T, out=out))[0]


def neighbours(request):
    queries, references = as_floats("queries", request["queries"]), as_floats("references", request["references"])
    labels = np.arange(len(references)) % opened["classes"]
    model = KNeighborsClassifier(request["k"], algorithm="brute", n_jobs=-1).fit(references, labels)
    answer = timed(lambda: model.predict(queries))[0]
    if request["give"]:
        answer["places"] = model.kneighbors(queries[:32], return_distance=False).ravel().tolist()
    return answer


work = {"open": open_files, "product": product, "neighbours": neighbours}
request = first
while request["do"] != "end":
    print(json.dumps(work[request["do"]](request)), flush=True)
    request = json.loads(sys.stdin.readline())
print(json.dumps({"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}), flush=True)
