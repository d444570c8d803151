"""Tables of a sweep: all runs as CSV, the best parameters as markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import itertools
import statistics

from algorithms.job import FINISHED, Job, without_device

_FOUND = ("iterations", "best_exploitability", "exploitability")
_HEAD = """\
| game | solver | parameters | runs | best exploitability | last | seconds | others |
| --- | --- | --- | --- | --- | --- | --- | --- |"""

Row = Mapping[str, object]


def rows(jobs: Sequence[Job], records: Sequence[Mapping]) -> list[Row]:
    """A row a run: what was run, its status and what was found.

    The solver's parameters have columns `parameter.NAME`, empty where a run leaves one
    at its default.
    """
    given = [without_device(job.given) for job in jobs]
    names = sorted({name for g in given for name in g} - {"seed"})
    return [
        {
            "game": job.game,
            "solver": job.algorithm,
            **{f"parameter.{name}": g.get(name, "") for name in names},
            "seed": g.get("seed", ""),
            "status": record["status"],
            **{name: record.get(name, "") for name in _FOUND},
            "seconds": record.get("iterating_seconds", ""),
            "error": record.get("error", ""),
            "directory": f"runs/{job.name}",
        }
        for job, g, record in zip(jobs, given, records, strict=True)
    ]


def markdown(table: Sequence[Row]) -> str:
    """The best parameters by game and solver, as a markdown table.

    They are those with the lowest mean over seeds of the best exploitability, among
    those whose runs have all finished.
    """
    lines = [_HEAD]
    for (game, solver), found in _groups(table, _game_and_solver):
        sets = _groups(found, _parameters)
        complete = [
            (parameters, runs)
            for parameters, runs in sets
            if all(run["status"] == FINISHED for run in runs)
        ]
        others = f"{len(sets) - len(complete)} failed or unfinished"
        if complete:
            best = min(complete, key=lambda entry: _mean(entry[1]))
            cells = [*_cells(*best), f"{len(complete) - 1} worse, {others}"]
        else:
            cells = ["", "0", "", "", "", others]
        lines.append("| " + " | ".join([f"`{game}`", f"`{solver}`", *cells]) + " |")
    return "\n".join(lines) + "\n"


def _cells(parameters: tuple, runs: Sequence[Row]) -> list[str]:
    words = [f"{name}={value}" for name, value in parameters if value != ""]
    return [
        f"`{' '.join(words)}`" if words else "defaults",
        str(len(runs)),
        _mean_and_spread([run["best_exploitability"] for run in runs]),
        _mean_and_spread([run["exploitability"] for run in runs]),
        f"{statistics.mean(run['seconds'] for run in runs):.3g}",
    ]


def _mean(runs: Sequence[Row]) -> float:
    return statistics.mean(run["best_exploitability"] for run in runs)


def _mean_and_spread(values: Sequence[float]) -> str:
    """The mean, and of several values the standard deviation."""
    if len(values) == 1:
        return f"{values[0]:.4g}"
    return f"{statistics.mean(values):.4g} ± {statistics.stdev(values):.2g}"


def _game_and_solver(row: Row) -> tuple:
    return row["game"], row["solver"]


def _parameters(row: Row) -> tuple:
    columns = [name for name in row if name.startswith("parameter.")]
    return tuple((name.removeprefix("parameter."), row[name]) for name in columns)


def _groups(table: Sequence[Row], key) -> list[tuple[tuple, list[Row]]]:
    """Rows with equal keys, in the order of the first of each."""
    order = {k: number for number, k in enumerate(dict.fromkeys(map(key, table)))}
    ordered = sorted(table, key=lambda row: order[key(row)])
    return [(k, list(found)) for k, found in itertools.groupby(ordered, key)]
