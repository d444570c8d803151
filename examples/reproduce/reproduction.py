"""What every reproduction does: run, write results, print claims, exit.

A script hands its study, a function of scale and seed that returns `Findings`, to
`main`, which gives it its flags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import importlib.metadata
import pathlib
import platform
import sys
import time

from absl import app, flags
import claims
import experiments
from matplotlib.figure import Figure

from algorithms import command_line, directory, files, quiet
from algorithms.pictures import save

FLAGS = flags.FLAGS
# What would be taken for that of a study that goes on.
_RESULTS = (*directory.RESULTS, "claims.csv")
_PACKAGES = ("open_spiel", "numpy", "tensorflow", "matplotlib")


@dataclasses.dataclass(frozen=True)
class Findings:
    """What a study has found.

    Attributes:
      title: the paper.
      notes: what a reader must know before the claims, in markdown.
      claims: the claims checked.
      figures: file name -> figure and caption.
      runs: all games solved, whose exploitabilities are written.
      tables: file name -> rows of further figures, all with the same columns.
      settings: what was computed, by name.
      animations: file name -> what writes it to a path, and the caption.
      earlier_seconds: what runs took that earlier commands have finished.
    """

    title: str
    notes: str
    claims: Sequence[claims.Claim]
    figures: Mapping[str, tuple[Figure, str]]
    runs: experiments.Runs
    tables: Mapping[str, Sequence[Mapping]]
    settings: Mapping[str, object]
    animations: Mapping[str, tuple[Callable[[pathlib.Path], None], str]] = (
        dataclasses.field(default_factory=dict)
    )
    earlier_seconds: float = 0.0


Study = Callable[[object, int], Findings]


def main(study: Study, full: object, fast: object) -> None:
    """Runs a script's study with its flags; exits with 2 if a claim fails.

    Args:
      study: gives the findings for a scale and a seed.
      full: the scale without `--fast`.
      fast: the scale with it.
    """

    def run(argv: list[str]) -> None:
        if len(argv) > 1:
            sys.exit(f"Unexpected arguments: {argv[1:]}.")
        name = pathlib.Path(argv[0]).stem
        output = pathlib.Path(FLAGS.output_dir or pathlib.Path("runs") / name)
        command = " ".join(["python", *sys.argv])
        scale = fast if FLAGS.fast else full
        of = {"script": name, "fast": FLAGS.fast, "seed": FLAGS.seed}
        with (
            command_line.in_one_line(RuntimeError),
            directory.claimed(output, of, FLAGS.force, results=_RESULTS),
            experiments.kept(output / "exploitability.csv"),
        ):
            found = reproduce(study, scale, FLAGS.seed, output, command)
        print(claims.table(found.claims))
        sys.exit(0 if all(claim.passed for claim in found.claims) else 2)

    _define_flags()
    app.run(run)


def _define_flags() -> None:
    """Defines the flags as the script's own, which `--help` lists."""
    script = {"module_name": sys.argv[0]}
    flags.DEFINE_bool(
        "fast", False, "Smaller games or fewer iterations: 5 minutes at most.", **script
    )
    flags.DEFINE_integer(
        "seed", 0, "Seed of whatever is drawn.", lower_bound=0, **script
    )
    flags.DEFINE_string(
        "output_dir",
        None,
        "Where results go; by default runs/ and the script's name.",
        **script,
    )
    anew = "Replace the results that --output_dir holds."
    flags.DEFINE_bool("force", False, anew, **script)


def reproduce(
    study: Study, scale: object, seed: int, output: pathlib.Path, command: str
) -> Findings:
    """Runs a study and writes figures, tables, the page and `run.json`.

    Args:
      study: gives the findings for a scale and a seed.
      scale: what to compute.
      seed: of whatever is drawn.
      output: directory for the results; made if need be.
      command: what the page names as its origin.
    """
    output.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    quiet.import_tensorflow()
    found = study(scale, seed)
    for name, (figure, _) in found.figures.items():
        save(figure, output / name)
    for name, (write, _) in found.animations.items():
        write(output / name)
    experiments.save_exploitability(found.runs, output / "exploitability.csv")
    for name, rows in found.tables.items():
        files.write_table(output / name, rows)
    claims.save_csv(found.claims, output / "claims.csv")
    record = {
        "title": found.title,
        "command": command,
        "seed": seed,
        "seconds": round(time.monotonic() - started + found.earlier_seconds),
        "versions": versions(),
        "pictures": {
            name: caption
            for name, (_, caption) in {**found.figures, **found.animations}.items()
        },
        "settings": {name: str(value) for name, value in found.settings.items()},
    }
    files.write_json(output / "run.json", record)
    files.write_text(output / "README.md", page(found, record))
    return found


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that the figures depend on."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), **found}


def page(found: Findings, record: Mapping) -> str:
    """The findings as a markdown page: notes, claims, pictures, how it was made."""
    pictures = record["pictures"].items()
    shown = [f"![{caption}]({name})\n\n{caption}" for name, caption in pictures]
    facts = {
        "command": f"`{record['command']}`",
        "seed": record["seed"],
        "seconds": record["seconds"],
        **{name: f"`{value}`" for name, value in record["settings"].items()},
        "versions": ", ".join(f"{n} {v}" for n, v in record["versions"].items()),
    }
    parts = [
        f"# {found.title}",
        found.notes,
        claims.markdown(found.claims),
        *shown,
        "## How it was made",
        "\n".join(f"- {name}: {value}" for name, value in facts.items()),
    ]
    return "\n\n".join(parts) + "\n"
