"""Pictures of a solver's progress and of the crowd, as matplotlib figures.

Nothing here touches `pyplot`: figures are free-standing objects that need no display,
and drawing one leaves no global state behind.
"""

from algorithms.pictures.curves import exploitability_figure
from algorithms.pictures.flows import flow_figure
from algorithms.pictures.geometry import Geometry, layers_of
from algorithms.pictures.strings import string_flow_figure
from algorithms.pictures.style import save

__all__ = [
    "Geometry",
    "exploitability_figure",
    "flow_figure",
    "layers_of",
    "save",
    "string_flow_figure",
]
