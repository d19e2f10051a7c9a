#!/usr/bin/env python3
"""The tuner's engines beside scipy's on standard functions of ten variables, at equal evaluations.

usage: tuner.py PROGRAM [--evaluations N] [--seeds N] [--json]

PROGRAM is tuner_bench, which has the same functions in C++. Prints the median of the values found and the evaluations a
second. scipy's functions are numpy's and plain Python's, as its users write them.
"""

import argparse
import json
import math
import statistics
import subprocess
import time

import numpy as np
import scipy
from scipy import optimize

ROOTS = np.sqrt(np.arange(1, 11))
FUNCTIONS = {  # name: function, box whose middle is not the minimum
    "sphere": (lambda x: float(x @ x), -5.12, 4.1),
    "Rosenbrock": (lambda x: float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()), -5, 10),
    "Rastrigin": (lambda x: float(10 * len(x) + (x * x - 10 * np.cos(2 * np.pi * x)).sum()), -5.12, 4.1),
    "Ackley": (lambda x: float(20 + math.e - 20 * math.exp(-0.2 * math.sqrt(x @ x / len(x)))
                               - math.exp(np.cos(2 * np.pi * x).sum() / len(x))), -32, 25),
    "Griewank": (lambda x: float(1 + x @ x / 4000 - np.prod(np.cos(x / ROOTS))), -600, 480),
}


class Spent(Exception):
    pass


class Counted:
    """Stops the search when its evaluations are spent, and keeps the best value."""

    def __init__(self, function, budget):
        self.function, self.budget, self.used, self.best = function, budget, 0, math.inf

    def __call__(self, x):
        if self.used >= self.budget:
            raise Spent
        self.used += 1
        value = self.function(np.asarray(x))
        self.best = min(self.best, value)
        return value


ENGINES = {
    "scipy dual_annealing": lambda f, box, n, seed: optimize.dual_annealing(f, box, maxfun=10**9, maxiter=n, rng=seed),
    "scipy dual_annealing, no local search":
        lambda f, box, n, seed: optimize.dual_annealing(f, box, maxfun=10**9, maxiter=n, no_local_search=True, rng=seed),
    "scipy differential_evolution":
        lambda f, box, n, seed: optimize.differential_evolution(f, box, maxiter=n, tol=0, polish=False, rng=seed),
}


def peer(name, function, budget, seeds):
    run, low, high = FUNCTIONS[function]
    values, used, begin = [], 0, time.perf_counter()
    for seed in range(seeds):
        counted = Counted(run, budget)
        try:
            ENGINES[name](counted, [(low, high)] * 10, budget, seed)
        except Spent:
            pass
        values.append(counted.best)
        used += counted.used
    return {"values": values, "seconds_per_evaluation": (time.perf_counter() - begin) / used}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--evaluations", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    out = json.loads(subprocess.run([options.program, str(options.evaluations), str(options.seeds)], capture_output=True,
                                    text=True, check=True).stdout)
    out.update({f"{name}/{function}": peer(name, function, options.evaluations, options.seeds)
                for name in ENGINES for function in FUNCTIONS})
    if options.json:
        print(json.dumps({"results": out, "versions": {"scipy": scipy.__version__}}))
        return
    print(f"{'':<40}" + "".join(f"{name:>13}" for name in FUNCTIONS) + f"{'evaluations/s':>16}")
    for name in dict.fromkeys(key.split("/")[0] for key in out):
        mine = [out[f"{name}/{function}"] for function in FUNCTIONS]
        rate = 1 / statistics.mean(one["seconds_per_evaluation"] for one in mine)
        print(f"{name:<40}" + "".join(f"{statistics.median(one['values']):>13.3g}" for one in mine) + f"{rate:>16,.0f}")


if __name__ == "__main__":
    main()
