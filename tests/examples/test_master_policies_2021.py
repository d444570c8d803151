"""The reproduction of master policies: its jobs, matrices, claims and figures."""

import csv
import dataclasses
import functools
import pathlib
import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
REPRODUCE = ROOT / "examples" / "reproduce"
sys.path.insert(0, str(REPRODUCE))

import deep_jobs  # noqa: E402 (examples are no package)
import mp2021_experiments as experiments  # noqa: E402
from mp2021_experiments import (  # noqa: E402
    BASELINES,
    BLIND,
    EXACT,
    LABELS,
    MFP,
    MIXED,
    MOMD,
    OWN,
    Environment,
    Scale,
)
import mp2021_report as report  # noqa: E402
from mp2021_runs import Evaluated, own  # noqa: E402
import reproduction  # noqa: E402

LINE = Environment("line", "mfg_exploration(layout=empty_1x5,horizon=3", 1.0)
PLANE = Environment("plane", "mfg_beach_bar_2d(size=3,horizon=2", 1.0)
TINY = Scale(
    name="tiny",
    environments=(LINE, PLANE),
    updates=5,
    width=8,
    training="uniform+points:1",
    unseen="gaussians:2:1",
    iterations=dict.fromkeys((*LABELS, OWN), 2),
    num_seeds=2,
    exact_iterations=50,
    thorough=True,
)


def made_up(master: float, blind: float, specialised: float) -> Evaluated:
    """Equal exploitabilities from all unseen laws, others from those of training."""
    laws = TINY.laws
    by_law = {
        MOMD: master,
        MFP: 2 * master,
        BLIND: blind,
        MIXED: 2 * blind,
        EXACT: 0.001,
        **{own(law): specialised for law in laws[2:]},
    }
    by_law = {
        name: np.tile([9.0, 9.0, value, value], (2, 1))
        for name, value in by_law.items()
    }
    curve = np.tile(np.geomspace(1, 0.1, 10), (2, 1))
    return Evaluated(by_law, dict.fromkeys(LABELS, curve), {})


def verdicts(found: Evaluated) -> dict[str, bool]:
    claims = report.all_claims(TINY, {"line": found})
    return {claim.text.split(",")[0]: claim.passed for claim in claims}


def test_claims_follow_from_the_unseen_laws():
    good = verdicts(made_up(master=0.1, blind=0.6, specialised=0.05))
    assert all(good.values())
    assert len(good) == 6
    blunt = verdicts(made_up(master=0.1, blind=0.3, specialised=0.02))
    assert [text for text, passed in blunt.items() if not passed] == [
        f"{MOMD} generalises 5 times better than {BLIND}",
        f"{MOMD} is on unseen laws near policies that have learnt them",
    ]
    worse = verdicts(made_up(master=0.7, blind=0.6, specialised=0.5))
    assert not worse["One network suffices for every unseen law"]


def test_means_are_over_unseen_laws():
    means = report.unseen_means(TINY, made_up(0.1, 0.6, 0.05))
    expected = {MOMD: 0.1, MFP: 0.2, BLIND: 0.6, MIXED: 1.2, EXACT: 0.001, OWN: 0.05}
    assert means == pytest.approx(expected)


def test_jobs_of_all_policies():
    jobs = experiments.jobs(TINY, seed=3)
    assert len(jobs) == 2 * 2 * (len(LABELS) + 2)
    assert {key[3] for key in jobs} == {3, 4}
    blind = jobs["line", BLIND, "", 3]
    assert blind.game == (
        "mfg_exploration(layout=empty_1x5,horizon=3,initial_laws=uniform+points:1)"
    )
    assert blind.given["sees"] == "nothing"
    special = jobs["plane", OWN, "gaussians:1:1:1", 4]
    assert special.game.endswith("initial_laws=gaussians:1:1:1)")
    learners = {
        tuple(
            sorted(
                (name, value)
                for name, value in job.given.items()
                if name in ("tau", "dqn_updates", "embedding")
            )
        )
        for key, job in jobs.items()
        if key[0] == "line" and key[1] != MFP
    }
    assert len(learners) == 1


def test_a_study_leaves_its_page(tmp_path, monkeypatch):
    do_all = functools.partial(deep_jobs.processes.do_all, backend="sequential")
    monkeypatch.setattr(deep_jobs.processes, "do_all", do_all)
    small = dataclasses.replace(TINY, num_seeds=1, environments=(LINE,))
    found = reproduction.reproduce(
        lambda scale, seed: report.study(scale, seed, tmp_path / "jobs"),
        small,
        0,
        tmp_path / "page",
        "python master_policies_2021.py",
    )
    page = (tmp_path / "page" / "README.md").read_text("utf-8")
    assert f"| game | {MOMD} | {MFP} |" in page
    with open(tmp_path / "page" / "by_law.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == (len(LABELS) + 2 + 1) * 4
    exact = [float(r["exploitability"]) for r in rows if r["policy"] == EXACT]
    blind = [float(r["exploitability"]) for r in rows if r["policy"] in BASELINES]
    assert max(exact) < 0.05 < max(blind)
    for name in found.figures:
        image = matplotlib.image.imread(tmp_path / "page" / name)
        assert image.std() > 0.01


@pytest.mark.slow
def test_the_fast_reproduction_passes(tmp_path, seed):
    script = [
        sys.executable,
        str(REPRODUCE / "master_policies_2021.py"),
        "--fast",
        f"--seed={seed}",
    ]
    folders = [f"--output_dir={tmp_path}/page", f"--jobs_dir={tmp_path}/jobs"]
    done = subprocess.run([*script, *folders], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()[-2000:]
