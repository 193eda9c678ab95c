"""Random forest and logistic regression by scikit-learn, for bench/forest.ts: one JSON request a line on standard input,
one JSON answer a line on standard output. Vectors come as files of float32 (or uint8) and int32 labels.
"""
import json
import resource
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")


def read(part, request):
    x = np.fromfile(part["numbers"], request["type"]).reshape(-1, request["features"])
    return x, np.fromfile(part["labels"], np.int32)


def measured(work):
    def cpu():
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

    start, start_cpu = time.perf_counter(), cpu()
    result = work()
    return result, {"seconds": time.perf_counter() - start, "cpu": cpu() - start_cpu}


def forest(request, x, y):
    model = RandomForestClassifier(request["trees"], n_jobs=request["threads"], random_state=request["seed"])
    return measured(lambda: model.fit(x, y))


class Standardised:
    def __init__(self, request):
        self.scaler = StandardScaler()
        self.model = LogisticRegression(
            C=request["C"], multi_class="multinomial", tol=request["tolerance"], max_iter=10000, n_jobs=request["threads"]
        )

    def fit(self, x, y):
        self.model.fit(self.scaler.fit_transform(x.astype(np.float64)), y)
        return self

    def predict_proba(self, x):
        return self.model.predict_proba(self.scaler.transform(x.astype(np.float64)))

    def objective(self, x, y):
        own = self.predict_proba(x)[np.arange(len(y)), y]
        return -np.log(own).mean() + (self.model.coef_**2).sum() / (2 * self.model.C * len(y))


def logistic(request, x, y):
    model, times = measured(lambda: Standardised(request).fit(x, y))
    return model, {**times, "objective": model.objective(x, y), "steps": int(model.model.n_iter_[0])}


for line in sys.stdin:
    request = json.loads(line)
    x, y = read(request["training"], request)
    model, fit = {"forest": forest, "logistic": logistic}[request["method"]](request, x, y)
    x, y = read(request["test"], request)
    probabilities, predict = measured(lambda: model.predict_proba(x))
    own = np.maximum(probabilities[np.arange(len(y)), y], request["floor"])
    answer = {
        "by": f"scikit-learn {sklearn.__version__}",
        "fit": fit,
        "predict": predict,
        "accuracy": float((probabilities.argmax(1) == y).mean()),
        "loss": float(-np.log(own).mean()),
    }
    print(json.dumps(answer), flush=True)
