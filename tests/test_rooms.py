"""The contract of the rooms: a module without a place breaks it, and so does an import that goes up."""

from __future__ import annotations

import pytest
from grimp import ImportGraph

from testkit.rooms import RoomsContract

LAYERS = ["upper.a | upper.b", "lower.c", "lower.d"]


def graph_of(*modules: str, imports: tuple[tuple[str, str], ...] = ()) -> ImportGraph:
    graph = ImportGraph()
    for module in modules:
        graph.add_module(module)
    for importer, imported in imports:
        graph.add_import(importer=importer, imported=imported)
    return graph


def is_kept(*modules: str, imports: tuple[tuple[str, str], ...] = ()) -> bool:
    options = {"name": "rooms", "layers": LAYERS}
    contract = RoomsContract("rooms", {"root_packages": ["upper", "lower"]}, options)
    everything = ("upper", "upper.a", "upper.b", "lower", "lower.c", "lower.d", *modules)
    return contract.check(graph_of(*everything, imports=imports), verbose=False).kept


def test_what_is_placed_and_imports_downwards_is_kept() -> None:
    assert is_kept(imports=(("upper.a", "lower.c"), ("lower.c", "lower.d")))


def test_a_module_inside_a_placed_package_has_its_place() -> None:
    assert is_kept("lower.c.inner", imports=(("lower.c.inner", "lower.d"),))


@pytest.mark.parametrize("module", ["lower.e", "upper.new", "upper.new.inner"])
def test_a_module_without_a_place_breaks_it(module: str) -> None:
    assert not is_kept(module)


@pytest.mark.parametrize("upwards", [("lower.d", "lower.c"), ("lower.d", "upper.a"), ("upper.a", "upper.b")])
def test_an_import_upwards_or_beside_breaks_it(upwards: tuple[str, str]) -> None:
    assert not is_kept(imports=(upwards,))


def test_a_package_that_imports_for_its_modules_needs_a_place() -> None:
    assert not is_kept(imports=(("upper", "lower.d"),))
