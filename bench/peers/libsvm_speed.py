"""How long LIBSVM takes on images: the peer of bench/svm.ts, which calls it and reads one line of JSON.

    echo '{"path": ..., "offset": 128, "pixels": 16384, "rows": [...], "labels": [...],
        "held": [...], "c": 10, "gamma": 0.001, "tolerance": 0.001, "weights": [...], "cacheMegabytes": 1000,
        "peer": "libsvm" or "scikit-learn"}' | python3 bench/peers/libsvm_speed.py

"libsvm" is the shared library of Debian's libsvm3, called as it stands, on its sparse points; "scikit-learn" is the copy
of LIBSVM inside SVC, on dense rows with products by BLAS. Only the training itself is timed: no reading of files.
"""

import ctypes
import glob
import json
import resource
import sys
import time

import numpy as np


class Node(ctypes.Structure):
    _fields_ = [("index", ctypes.c_int), ("value", ctypes.c_double)]


class Problem(ctypes.Structure):
    _fields_ = [("l", ctypes.c_int), ("y", ctypes.c_void_p), ("x", ctypes.c_void_p)]


class Parameter(ctypes.Structure):
    _fields_ = [
        ("svm_type", ctypes.c_int), ("kernel_type", ctypes.c_int), ("degree", ctypes.c_int),
        ("gamma", ctypes.c_double), ("coef0", ctypes.c_double),
        ("cache_size", ctypes.c_double), ("eps", ctypes.c_double), ("C", ctypes.c_double),
        ("nr_weight", ctypes.c_int), ("weight_label", ctypes.c_void_p), ("weight", ctypes.c_void_p),
        ("nu", ctypes.c_double), ("p", ctypes.c_double), ("shrinking", ctypes.c_int), ("probability", ctypes.c_int),
    ]


NODE = np.dtype([("index", "<i4"), ("pad", "<i4"), ("value", "<f8")])


def nodes(x):
    """Sparse points of LIBSVM: zeros are left out, index -1 ends a point."""
    points = []
    for row in x:
        (index,) = np.nonzero(row)
        point = np.zeros(len(index) + 1, NODE)
        point["index"][:-1] = index + 1
        point["value"][:-1] = row[index]
        point["index"][-1] = -1
        points.append(point)
    return points, np.array([point.ctypes.data for point in points], np.uint64)


def timed(work):
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    return result, seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def by_libsvm(x, y, held, s):
    library = ctypes.CDLL(sorted(glob.glob("/usr/lib/*/libsvm.so.3"))[0])
    silent = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(lambda text: None)
    library.svm_set_print_string_function(silent)
    library.svm_train.restype = ctypes.c_void_p
    library.svm_train.argtypes = [ctypes.POINTER(Problem), ctypes.POINTER(Parameter)]
    library.svm_predict.restype = ctypes.c_double
    library.svm_predict.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.svm_get_nr_sv.argtypes = [ctypes.c_void_p]
    points, addresses = nodes(x)
    y = y.astype(np.float64)
    problem = Problem(len(y), y.ctypes.data, addresses.ctypes.data)
    names = np.arange(len(s["weights"]), dtype=np.int32)
    weights = np.array(s["weights"], np.float64)
    parameter = Parameter(0, 2, 3, s["gamma"], 0, s["cacheMegabytes"], s["tolerance"], s["c"], len(weights),
                          names.ctypes.data, weights.ctypes.data, 0.5, 0.1, 1, 0)
    model, seconds, cpu = timed(lambda: library.svm_train(ctypes.byref(problem), ctypes.byref(parameter)))
    asked, _ = nodes(held)
    predictions = [int(library.svm_predict(model, point.ctypes.data)) for point in asked]
    return library.svm_get_nr_sv(model), predictions, seconds, cpu


def by_scikit_learn(x, y, held, s):
    from sklearn.svm import SVC

    svc = SVC(C=s["c"], gamma=s["gamma"], tol=s["tolerance"], cache_size=s["cacheMegabytes"],
              class_weight=dict(enumerate(s["weights"])))
    _, seconds, cpu = timed(lambda: svc.fit(x, y))
    return len(svc.support_), [int(v) for v in svc.predict(held)], seconds, cpu


def main():
    s = json.loads(sys.stdin.read())
    images = np.memmap(s["path"], np.uint8, "r", s["offset"]).reshape(-1, s["pixels"])
    # Sorted by class: LIBSVM numbers classes as they come, and the first of them wins where votes tie.
    order = np.argsort(s["labels"], kind="stable")
    x, held = images[np.array(s["rows"])[order]] / 255.0, images[s["held"]] / 255.0
    run = by_libsvm if s["peer"] == "libsvm" else by_scikit_learn
    support, predictions, seconds, cpu = run(x, np.array(s["labels"])[order], held, s)
    print(json.dumps({"seconds": seconds, "cpuSeconds": cpu, "supportVectors": support, "predictions": predictions}))


if __name__ == "__main__":
    main()
