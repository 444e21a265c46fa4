"""Medians over the rounds, ratios against each scenario's bases, and the goals."""

import argparse
from dataclasses import dataclass
from statistics import median
from typing import Any

Rounds = dict[str, dict[str, list[dict[str, Any]]]]
_MEASURES = ("rate", "p50", "p99", "cpu_us", "server_busy", "client_busy")


@dataclass(frozen=True)
class Goal:
    """`measure` of one contestant over another's, taken per round, against a bound; a goal without bound informs."""

    scenario: str
    of: str
    over: str
    measure: str = "rate"
    at_least: float | None = None
    below: float | None = None

    def judge(self, ratio: float) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g}: {'pass' if ratio >= self.at_least else 'FAIL'}"
        if self.below is not None:
            return f"< {self.below:g}: {'pass' if ratio < self.below else 'FAIL'}"
        return ""


GOALS = (
    Goal("me", "product", "FastAPI", at_least=0.7),
    Goal("me", "product", "FastAPI, remembers"),
    Goal("me", "product", "FastAPI, pool defaults"),
    Goal("me", "product", "bare"),
    Goal("me", "product", "bare, remembers"),
    Goal("me", "FastAPI", "bare"),
    Goal("login", "product", "hash alone", at_least=0.85),
    Goal("refresh", "product", "bare", at_least=0.15),
    Goal("storm", "storm", "idle", "p99", below=5),
)


def summarise(results: Rounds) -> dict[str, Any]:
    """Medians per contestant and the goals' ratios, each the median of the ratios within one round."""
    medians = {
        scenario: {label: _medians(turns) for label, turns in contestants.items()}
        for scenario, contestants in results.items()
    }
    goals = [_goal(goal, results[goal.scenario]) for goal in GOALS if goal.scenario in results]
    return {"medians": medians, "goals": goals, "rounds": results}


def render(summary: dict[str, Any], given: argparse.Namespace) -> str:
    lines = [
        f"{given.accounts:,} accounts, {given.rounds} rounds of {given.seconds:g} s, medians;",
        f"{given.connections} connections, {given.logins} sign-ins at once.",
        "",
    ]
    for scenario, contestants in summary["medians"].items():
        lines += [f"## {scenario}", "", "| | per second | p50 ms | p99 ms | CPU µs each | server busy | client busy |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [f"| {label} | {_row(medians)} |" for label, medians in contestants.items()]
        lines += ["", *_notes(summary["rounds"][scenario]), ""]
    lines += ["## ratios and goals", "", "| scenario | of | over | measure | ratio | rounds | goal |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for goal in summary["goals"]:
        spread = f"{goal['least']:.2f}–{goal['most']:.2f}"
        named = f"{goal['scenario']} | {goal['of']} | {goal['over']} | {goal['measure']}"
        lines.append(f"| {named} | {goal['ratio']:.2f} | {spread} | {goal['verdict']} |")
    return "\n".join(lines)


def _goal(goal: Goal, contestants: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    pairs = zip(contestants[goal.of], contestants[goal.over], strict=True)
    ratios = [one[goal.measure] / other[goal.measure] for one, other in pairs if other[goal.measure]]
    ratio = median(ratios) if ratios else float("nan")
    found = {"ratio": ratio, "least": min(ratios, default=ratio), "most": max(ratios, default=ratio)}
    named = {"scenario": goal.scenario, "of": goal.of, "over": goal.over, "measure": goal.measure}
    return {**named, **found, "verdict": goal.judge(ratio)}


def _medians(turns: list[dict[str, Any]]) -> dict[str, float]:
    return {name: median(turn[name] for turn in turns) for name in _MEASURES if all(name in turn for turn in turns)}


def _row(medians: dict[str, float]) -> str:
    shapes = {"rate": ",.0f", "p50": ".2f", "p99": ".2f", "cpu_us": ".0f", "server_busy": ".0%", "client_busy": ".0%"}
    return " | ".join(f"{medians[name]:{shape}}" if name in medians else "" for name, shape in shapes.items())


def _notes(contestants: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Whatever would make the numbers wrong, and the sign-ins of a storm."""
    notes = []
    for label, turns in contestants.items():
        errors = sum(turn.get("errors", 0) + turn.get("logins", {}).get("errors", 0) for turn in turns)
        if errors:
            notes.append(f"**{label}: {errors} answers were not 200; these numbers mean nothing.**")
        if any(turn.get("logins", {}).get("count") for turn in turns):
            rate = median(turn["logins"]["rate"] for turn in turns)
            notes.append(f"{label}: {rate:.1f} sign-ins per second beside it.")
    return notes
