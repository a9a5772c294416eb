"""Runs a general MILP solver and a general genetic algorithm on exported choice problems and prints a table.

    compare-choice.py DIR [--limit SECONDS] [--json]

DIR holds what `wattpool-bench choose --export DIR` writes: problems with the exact and the genetic answer. Both
peers are told the fewest sellers K*, and only see the offers that can be part of so small a cover.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

import highspy
import numpy as np
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.crossover import Crossover
from pymoo.core.mutation import Mutation
from pymoo.core.problem import Problem
from pymoo.core.sampling import Sampling
from pymoo.optimize import minimize

# A score this near to another is the same: what solvers and rounding leave.
SAME = 1e-6


class Choice:
    """A problem: d, K*, g and v of the offers that can be in a plan of K* sellers, and C_s."""

    def __init__(self, exported):
        problem = exported["problem"]
        weights = problem["weights"]
        self.d = problem["need_wh"]
        self.k = exported["sellers"]
        self.surplus = weights["surplus"]
        t, p = problem["duration_scale_s"], problem["participation_scale"]
        g, v = [], []
        for offer in problem["offers"]:
            g.append(offer["deliverable_wh"])
            v.append(
                weights["efficiency"] * offer["efficiency"]
                + weights["duration"] * t / (t + offer["duration_s"])
                + weights["quality"] * offer["quality"]
                + weights["participation"] * p / (p + offer["past_sales"])
            )
        g, v = np.array(g, dtype=float), np.array(v)
        largest = np.sort(g)[::-1]
        kept = g >= self.d - largest[: self.k - 1].sum()
        self.g, self.v = g[kept], v[kept]
        self.most = largest[: self.k].sum()

    def score(self, chosen):
        """Equation 1 of a set with its best split; None where it is no cover of K* sellers."""
        g, v = self.g[chosen], self.v[chosen]
        total = g.sum()
        if len(g) != self.k or total < self.d:
            return None
        return self.surplus * self.d / total + ((g * v).sum() - v.min() * (total - self.d)) / self.d


def highs(choice, limit):
    """The exact MILP: (chosen, proven).

    y_j chooses, z_j delivers. Only u_s = d/G is not linear; with w = d/G and p_j = w*y_j, a product of a binary and
    a bounded variable, it is: sum (g_j/d)*p_j = 1 and the four McCormick inequalities per offer, which are exact
    for binary y. The seller of least value takes the rest by itself: that is the best split for fixed y.
    """
    g, v, d, n = choice.g, choice.v, choice.d, len(choice.g)
    least = d / choice.most
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("time_limit", float(limit))
    solver.setOptionValue("mip_rel_gap", 1e-9)
    solver.setOptionValue("mip_abs_gap", 1e-9)
    inf = highspy.kHighsInf
    zero, one = np.zeros(n), np.ones(n)
    # Columns: y, z/d, p, w.
    solver.addVars(3 * n + 1, np.concatenate([zero, zero, zero, [least]]), np.concatenate([one, g / d, one, [1.0]]))
    every = np.arange(n, dtype=np.int32)
    y, z, p, w = every, every + n, every + 2 * n, 3 * n
    solver.changeColsIntegrality(n, y, np.full(n, highspy.HighsVarType.kInteger))
    columns = np.concatenate([z, [w]]).astype(np.int32)
    solver.changeColsCost(n + 1, columns, np.concatenate([v, [choice.surplus]]))
    solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
    solver.addRow(1.0, 1.0, n, z, one)
    solver.addRow(float(choice.k), float(choice.k), n, y, one)
    solver.addRow(1.0, 1.0, n, p, g / d)
    for j in range(n):
        solver.addRow(-inf, 0.0, 2, np.array([z[j], y[j]], dtype=np.int32), np.array([1.0, -g[j] / d]))
        solver.addRow(-inf, 0.0, 2, np.array([p[j], y[j]], dtype=np.int32), np.array([1.0, -1.0]))
        solver.addRow(0.0, inf, 2, np.array([p[j], y[j]], dtype=np.int32), np.array([1.0, -least]))
        three = np.array([p[j], w, y[j]], dtype=np.int32)
        solver.addRow(-inf, -least, 3, three, np.array([1.0, -1.0, -least]))
        solver.addRow(-1.0, inf, 3, three, np.array([1.0, -1.0, -1.0]))
    solver.run()
    values = np.array(solver.getSolution().col_value)
    chosen = np.flatnonzero(values[:n] > 0.5) if len(values) else np.array([], dtype=int)
    return chosen, solver.getModelStatus() == highspy.HighsModelStatus.kOptimal


class Subsets(Problem):
    """K*-subsets as boolean genomes; not covering is a violated constraint."""

    def __init__(self, choice):
        super().__init__(n_var=len(choice.g), n_obj=1, n_ieq_constr=1)
        self.choice = choice

    def _evaluate(self, x, out, *args, **kwargs):
        c = self.choice
        total = x @ c.g
        least = np.where(x, c.v, np.inf).min(axis=1)
        score = c.surplus * c.d / total + (x @ (c.g * c.v) - least * (total - c.d)) / c.d
        out["F"] = -score[:, None]
        out["G"] = (c.d - total)[:, None]


class DrawSubsets(Sampling):
    def _do(self, problem, n_samples, **kwargs):
        x = np.zeros((n_samples, problem.n_var), dtype=bool)
        for row in x:
            row[np.random.permutation(problem.n_var)[: problem.choice.k]] = True
        return x


class CrossSubsets(Crossover):
    """What both parents have, filled from what one of them has (pymoo's own example of subset selection)."""

    def __init__(self):
        super().__init__(2, 1)

    def _do(self, problem, parents, **kwargs):
        _, count, _ = parents.shape
        children = np.zeros((1, count, problem.n_var), dtype=bool)
        for at in range(count):
            mother, father = parents[0, at], parents[1, at]
            both = mother & father
            children[0, at, both] = True
            missing = problem.choice.k - int(both.sum())
            either = np.flatnonzero(mother ^ father)
            children[0, at, np.random.permutation(either)[:missing]] = True
        return children


class ExchangeOne(Mutation):
    def _do(self, problem, x, **kwargs):
        for row in x:
            row[np.random.choice(np.flatnonzero(row))] = False
            row[np.random.choice(np.flatnonzero(~row))] = True
        return x


def pymoo(choice):
    """A general genetic algorithm with 100 individuals and 100 generations."""
    if len(choice.g) <= choice.k:
        return np.arange(len(choice.g))
    algorithm = GA(
        pop_size=100,
        sampling=DrawSubsets(),
        crossover=CrossSubsets(),
        mutation=ExchangeOne(),
        eliminate_duplicates=True,
    )
    result = minimize(Subsets(choice), algorithm, ("n_gen", 100), seed=1, verbose=False)
    return np.flatnonzero(result.X) if result.X is not None else np.array([], dtype=int)


def timed(solve):
    begun = time.perf_counter()
    answer = solve()
    return answer, 1e6 * (time.perf_counter() - begun)


def measure(exported, limit):
    choice = Choice(exported)
    (milp, proven), milp_us = timed(lambda: highs(choice, limit))
    ga, ga_us = timed(lambda: pymoo(choice))
    best = exported["exact"]["score"]

    def gap(chosen):
        score = choice.score(chosen)
        return None if score is None else 1.0 - score / best

    ours = exported["genetic"]
    return {
        "offers": exported["offers"],
        "sellers": exported["sellers"],
        "family": exported["family"],
        "proven": exported["exact"]["optimal"],
        "exact_us": exported["exact"]["elapsed_us"],
        "genetic_us": ours["elapsed_us"],
        "genetic_gap": 1.0 - ours["score"] / best,
        "highs_us": milp_us,
        "highs_proven": proven,
        "highs_gap": gap(milp),
        "pymoo_us": ga_us,
        "pymoo_gap": gap(ga),
    }


def percent(gaps):
    found = [100.0 * gap for gap in gaps if gap is not None]
    return f"{statistics.median(found):.3f}, {max(found):.2f} %" if found else "none found"


def table(rows):
    print("| offers | K* | problems | exact µs | HiGHS ms (times exact) | proven in time | gap: median, max |"
          " genetic µs, gap: median, max | pymoo ms (times genetic) | feasible | gap: median, max |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for key in sorted({(row["offers"], row["sellers"]) for row in rows}):
        cell = [row for row in rows if (row["offers"], row["sellers"]) == key]
        middle = lambda name: statistics.median(row[name] for row in cell)
        exact, genetic = middle("exact_us"), middle("genetic_us")
        milp, ga = middle("highs_us"), middle("pymoo_us")
        of = len(cell)
        proven = sum(row["highs_proven"] for row in cell)
        feasible = sum(row["pymoo_gap"] is not None for row in cell)
        print(f"| {key[0]} | {key[1]} | {of} | {exact:.0f} | {milp / 1e3:.0f} ({milp / max(exact, 1):,.0f}) | {proven} of {of} |"
              f" {percent(row['highs_gap'] for row in cell)} | {genetic:.0f}, {percent(row['genetic_gap'] for row in cell)} |"
              f" {ga / 1e3:.0f} ({ga / max(genetic, 1):,.0f}) | {feasible} of {of} | {percent(row['pymoo_gap'] for row in cell)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--limit", type=float, default=20.0, help="seconds that HiGHS may take for a problem")
    parser.add_argument("--json", action="store_true", help="print JSON lines, one for each problem, instead of a table")
    args = parser.parse_args()
    files = sorted(args.dir.glob("*.json"))
    if not files:
        sys.exit(f"compare-choice: {args.dir}: no problems; expected what wattpool-bench choose --export writes")
    rows = []
    for at, file in enumerate(files, 1):
        row = measure(json.loads(file.read_text()), args.limit)
        print(f"\r{at} of {len(files)}", end="", file=sys.stderr, flush=True)
        # Both claims of an optimum hold, or one of the two is wrong.
        if row["proven"] and row["highs_proven"] and abs(row["highs_gap"]) > SAME:
            sys.exit(f"\ncompare-choice: {file}: HiGHS and the exact search differ by {row['highs_gap']:.2e}")
        rows.append(row)
        if args.json:
            print(json.dumps(row))
    print(file=sys.stderr)
    if not args.json:
        table(rows)


if __name__ == "__main__":
    main()
