"""import-linter's contract of layers, held to name every module: a new one has to be placed before it passes."""

from __future__ import annotations

from collections.abc import Iterator

from grimp import ImportGraph
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import ContractCheck


class RoomsContract(LayersContract):
    """Layers of whole module names. import-linter's own `exhaustive` looks into one package at a time."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Kept where nothing is imported upwards, and each module is a layer or lies in one."""
        placed = {name.strip() for layer in self.contract_options["layers"] for name in _names(layer)}
        homeless = {module for module in graph.modules if not _is_placed(module, placed, graph)}
        found = super().check(graph, verbose)
        return ContractCheck(
            kept=found.kept and not homeless,
            warnings=found.warnings,
            ignored_import_count=found.ignored_import_count,
            metadata=found.metadata | {"undeclared_modules": homeless},
        )


def _names(layer: str) -> Iterator[str]:
    yield from layer.replace(":", "|").split("|")


def _is_placed(module: str, placed: set[str], graph: ImportGraph) -> bool:
    """Whether the module or a package around it is a layer; a package of layers that imports nothing needs no place."""
    if graph.is_module_squashed(module):
        return True  # Another project's.
    parts = module.split(".")
    if any(".".join(parts[:count]) in placed for count in range(1, len(parts) + 1)):
        return True
    holds_layers = any(name.startswith(f"{module}.") for name in placed)
    return holds_layers and not graph.find_modules_directly_imported_by(module)
