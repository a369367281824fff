"""Optuna's best values on three functions, 60 trials and 50 seeds each, with its TPE as it comes and with random search.

    python test/reference/tpe_fixture.py > test/fixtures/sweep/optuna.json
"""

import json
import math

import optuna

TRIALS, SEEDS = 60, 50


def branin(trial):
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    a = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return a**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
P = [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]
ALPHA = [1.0, 1.2, 3.0, 3.2]


def hartmann6(trial):
    x = [trial.suggest_float(f"x{i}", 0, 1) for i in range(6)]
    return -sum(
        alpha * math.exp(-sum(a * (v - p) ** 2 for a, v, p in zip(row, x, place)))
        for alpha, row, place in zip(ALPHA, A, P)
    )


# Optimizer -> what it loses at best, and the logarithm of the rate where it is at its best.
KINDS = {"adamw": (0.0, -3.5), "lion": (0.05, -4.5), "sgd": (0.4, -1.5), "adafactor": (0.15, -3.0)}


def mixed(trial):
    loss, best = KINDS[trial.suggest_categorical("kind", list(KINDS))]
    rate = trial.suggest_float("rate", 1e-6, 1e-1, log=True)
    rank = trial.suggest_int("rank", 1, 64, log=True)
    drop = trial.suggest_float("drop", 0, 0.5, step=0.1)
    return loss + 0.3 * (math.log10(rate) - best) ** 2 + 0.05 * (math.log2(rank) - 4) ** 2 + 2 * (drop - 0.1) ** 2


FUNCTIONS = {"branin": (branin, 0.39788735772973816), "hartmann6": (hartmann6, -3.322368011415515), "mixed": (mixed, 0.0)}


def regrets(function, least, make):
    found = []
    for seed in range(SEEDS):
        study = optuna.create_study(sampler=make(seed))
        study.optimize(function, n_trials=TRIALS)
        found.append(study.best_value - least)
    return sorted(found)


def median(values):
    return (values[len(values) // 2 - 1] + values[len(values) // 2]) / 2


optuna.logging.set_verbosity(optuna.logging.ERROR)
samplers = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
result = {
    "optuna": optuna.__version__,
    "trials": TRIALS,
    "seeds": SEEDS,
    "least": {name: least for name, (_, least) in FUNCTIONS.items()},
    "median_regret": {
        name: {kind: median(regrets(function, least, make)) for kind, make in samplers.items()}
        for name, (function, least) in FUNCTIONS.items()
    },
}
print(json.dumps(result, indent=2))
