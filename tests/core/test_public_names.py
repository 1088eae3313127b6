import inspect

import pytest

import gatewright

DESCRIBED = [
    name
    for name in gatewright.__all__
    if inspect.isclass(getattr(gatewright, name)) or inspect.isfunction(getattr(gatewright, name))
]


def _constants_then_classes_then_functions(name: str) -> tuple[bool, bool, str]:
    return (not name.isupper(), name[0].islower(), name)


def test_public_names_are_sorted_and_named_once() -> None:
    names = gatewright.__all__

    assert names == sorted(set(names), key=_constants_then_classes_then_functions)


def test_every_public_name_exists() -> None:
    assert [name for name in gatewright.__all__ if not hasattr(gatewright, name)] == []


def test_everything_that_is_imported_there_is_public() -> None:
    imported = {
        name
        for name, value in vars(gatewright).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }
    assert imported == set(gatewright.__all__)


@pytest.mark.parametrize("name", DESCRIBED)
def test_each_public_class_and_function_has_a_docstring_of_its_own(name: str) -> None:
    doc = vars(getattr(gatewright, name)).get("__doc__") or getattr(gatewright, name).__doc__

    assert len(doc.splitlines()[0]) > 10
    assert not doc.startswith(f"{name}(")  # what dataclasses write where nobody did
