"""Looks for teacher hacking (Tiapkin et al. 2025) in mean field games.

    python examples/reproduce/teacher_hacking_2025.py --fast
    python examples/reproduce/teacher_hacking_2025.py

A student network is distilled from a teacher, who is no oracle. Does it come nearer to
the teacher and, at some point, no longer to the oracle? In a mean field game all three
are known: the oracle is the average policy of exact fictitious play, the teacher that
of fictitious play with learnt best responses, and all distances are exact. Compares
fixed data (offline) with fresh games of the teacher (online), hard with soft targets,
forward and backward divergences, with and without an anchor, and tries an alarm that
needs no oracle. The exit status is 2 if a claim fails.
"""

from __future__ import annotations

import reproduction
from th2025_experiments import FAST, FULL
from th2025_report import study

if __name__ == "__main__":
    reproduction.main(study, FULL, FAST)
