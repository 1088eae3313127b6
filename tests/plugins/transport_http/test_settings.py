import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from gatewright_transport_http import HttpSettings

ROOT = Path(__file__).parents[3]


def problems(**options) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        HttpSettings.model_validate(options)
    return [problem["msg"] for problem in caught.value.errors(include_input=False)]


NO_KEY = "no key is given; list one in api_keys, or write insecure: true to let anybody publish"


@pytest.mark.parametrize(
    "options", [{}, {"api_keys": []}, {"api_keys": ["", " "]}, {"api_keys": None}]
)
def test_without_a_key_it_refuses_to_start_and_says_what_to_do(options):
    assert problems(**options) == [NO_KEY]


def test_a_missing_key_is_told_beside_other_mistakes():
    assert len(problems(api_keys=[""], presence_requires_key="perhaps", api_key="k")) == 3


@pytest.mark.parametrize("insecure", ["perhaps", None])
def test_a_wrong_insecure_is_one_problem_only(insecure):
    assert len(problems(insecure=insecure)) == 1


def test_insecure_starts_without_a_key():
    assert HttpSettings.model_validate({"insecure": True}).api_keys == ()


def test_empty_keys_are_dropped_and_the_others_kept_in_order():
    settings = HttpSettings.model_validate({"api_keys": ["", "new", "  ", "old"]})

    assert [key.get_secret_value() for key in settings.api_keys] == ["new", "old"]


def test_presence_cannot_require_a_key_that_nobody_has():
    assert problems(insecure=True, presence_requires_key=True) == [
        "no key is given that could be required; list api_keys"
    ]


def test_unknown_options_are_refused():
    assert problems(api_keys=["k"], api_key="k") == ["Extra inputs are not permitted"]


def test_neither_repr_nor_errors_show_a_key():
    settings = HttpSettings.model_validate({"api_keys": ["canary"]})

    with pytest.raises(ValidationError) as caught:
        HttpSettings.model_validate({"api_keys": ["canary"], "insecure": "canary"})
    assert "canary" not in f"{settings!r} {settings} {caught.value}"


def test_every_option_is_described():
    assert all(field.description for field in HttpSettings.model_fields.values())


def test_the_readme_names_every_option():
    readme = (ROOT / "plugins/transport_http/README.md").read_text()
    named = re.findall(r"^\| `([a-z_]+)` \|", readme, re.MULTILINE)

    assert set(named) == set(HttpSettings.model_fields)
    assert len(named) == len(HttpSettings.model_fields)
