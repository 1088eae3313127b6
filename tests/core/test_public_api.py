"""The public API changes on purpose alone: with its snapshot, and with a line in the changelog."""

import pytest
from scripts import public_api

import gatewright

BEFORE = {
    "HOOK_API": ("HOOK_API = (1, 0)",),
    "gatewright.Event": ("gatewright.Event: dataclass", "    id: str", "    seq: int"),
    "gatewright.gone": ("gatewright.gone() -> None",),
}
AFTER = {
    "HOOK_API": ("HOOK_API = (1, 0)",),
    "gatewright.Event": ("gatewright.Event: dataclass", "    id: str", "    seq: str"),
    "gatewright.new": ("gatewright.new() -> None",),
}
CHANGELOG = """# Changelog

## [Unreleased]

- `Event` has another `seq`; `new()` does more than `gone_with_the_wind`.

## [1.0.0]

- `gone` is gone.
"""


def test_nothing_changed_without_the_snapshot_and_the_changelog() -> None:
    problems = public_api.all_problems()

    assert not problems, "\n\n".join(problems)


@pytest.mark.parametrize("name", gatewright.__all__)
def test_every_public_name_is_in_the_snapshot(name: str) -> None:
    text = public_api.CURRENT.read_text()

    assert f"\ngatewright.{name}" in text or f"\n{name} = " in text


def test_every_difference_is_told_with_what_to_do() -> None:
    told = public_api.stale(BEFORE, AFTER)

    assert [text.partition("\nIf that")[0] for text in told] == [
        "gatewright.Event is not as docs/public-api.txt says:\n  - seq: int\n  + seq: str",
        "gatewright.gone is not as docs/public-api.txt says:\n  - gatewright.gone() -> None",
        "gatewright.new is not as docs/public-api.txt says:\n  + gatewright.new() -> None",
    ]
    assert all("run python scripts/public_api.py, and write a line" in text for text in told)


def test_what_changed_since_the_release_must_be_named_below_unreleased() -> None:
    (told,) = public_api.unmentioned(BEFORE, AFTER, CHANGELOG)

    assert told.startswith("gatewright.gone has changed since the last release, and nothing")
    assert len(public_api.unmentioned(BEFORE, AFTER, "# Changelog\n")) == 3


def test_a_module_that_is_new_as_a_whole_is_named_once() -> None:
    after = BEFORE | {"gatewright.kit.a": ("a",), "gatewright.kit.b": ("b",)}
    said = "\n## [Unreleased]\n\n- `gatewright.kit` is new.\n"

    assert public_api.unmentioned(BEFORE, after, said) == []
    assert len(public_api.unmentioned(BEFORE, after, "\n## [Unreleased]\n\n- A kit.\n")) == 2


@pytest.mark.parametrize(
    ("after", "of_release", "problems"),
    [
        (AFTER, "gatewright 1.0", 1),
        (AFTER, public_api.UNRELEASED, 0),
        (AFTER | {"HOOK_API": ("HOOK_API = (1, 1)",)}, "gatewright 1.0", 0),
        (BEFORE, "gatewright 1.0", 0),
    ],
)
def test_after_a_release_the_number_changes_with_the_api(after, of_release, problems) -> None:
    assert len(public_api.unnumbered(BEFORE, after, of_release=of_release)) == problems


def test_what_is_written_is_what_is_read() -> None:
    api = public_api.public_api()
    text = public_api.written(api, "gatewright 1.2.3")

    assert public_api.read(text) == api
    assert public_api.released_as(text) == "gatewright 1.2.3"
    assert " at 0x" not in text


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ("gatewright_bus", "hook gatewright_bus() -> Factory[Any, Bus]"),
        ("gatewright.Bus", "    async run(self, deliver: Deliver) -> None"),
        ("gatewright.Event", "    reason: str | None = None"),
        ("gatewright.Factory", "    needs: frozenset[Needs] = frozenset()"),
        ("gatewright.PluginContext", "    publish -> Publish"),
        ("gatewright.SinkSettings", "    batch: PositiveInt = 1"),
        ("gatewright.StartError", "    exit_code = 3"),
        ("gatewright.Reach", "gatewright.Reach = Literal['cluster', 'node']"),
        ("gatewright.is_user_id", "gatewright.is_user_id(value: str) -> bool"),
    ],
)
def test_the_snapshot_holds_hooks_methods_fields_and_signatures(entry: str, line: str) -> None:
    assert line in public_api.public_api()[entry]
