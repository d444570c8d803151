"""Solvers that are made from a configuration, of which some have names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from algorithms.deep import config as configs
from algorithms.solver import IterativeSolver
from mfg_games import parameters


class WithPresets(IterativeSolver):
    """A solver whose second argument is a configuration.

    Attributes:
      presets: configurations by name.
    """

    presets: ClassVar[Mapping[str, Any]]

    @classmethod
    def options(cls, preset: str | None = None) -> dict[str, object]:
        """A preset, the first by default, and all that it sets.

        Raises:
          ValueError: there is no such preset.
        """
        name = preset or next(iter(cls.presets))
        parameters.known("preset", name, cls.presets)
        own = super().options()
        del own["config"]
        return {"preset": name, **configs.flat(cls.presets[name]), **own}

    @classmethod
    def make(cls, game, preset: str | None = None, **options) -> WithPresets:
        """A solver by the name of a preset, the first by default, and changes to it.

        Raises:
          ValueError: there is no such preset, or an option is out of range.
        """
        known = cls.options(preset)
        config = cls.presets[known["preset"]]
        names = configs.flat(config).keys() & options.keys()
        changes = {name: options.pop(name) for name in names}
        return cls(game, configs.changed(config, changes), **options)
