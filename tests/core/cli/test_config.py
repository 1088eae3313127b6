import pytest

GOOD = """
auth: {anonymous: {}}
events: {console: {}}
extensions: {dev_console: {}}
"""
BAD = """
auth: {anonymos: {}}
events: {console: {colour: red}}
"""


@pytest.mark.parametrize("arguments", [["-c", "my.yaml"], ["my.yaml"], ["--config=my.yaml"]])
def test_a_right_configuration_is_said_to_be_right(gatewright, tmp_path, arguments):
    (tmp_path / "my.yaml").write_text(GOOD)

    checked = gatewright("config", "check", *arguments)

    assert (checked.code, checked.err) == (0, "")
    assert checked.out == "my.yaml: ok, 7 plugins\n"


def test_the_file_is_gateway_yaml_or_the_environments(gatewright, tmp_path, monkeypatch):
    (tmp_path / "gateway.yaml").write_text(GOOD)
    assert gatewright("config", "check").out.startswith("gateway.yaml: ok")

    (tmp_path / "other.yaml").write_text(GOOD)
    monkeypatch.setenv("GATEWRIGHT_CONFIG", "other.yaml")
    assert gatewright("config", "check").out.startswith("other.yaml: ok")


def test_every_problem_is_a_line_and_the_exit_code_is_2(gatewright, tmp_path):
    (tmp_path / "gateway.yaml").write_text(BAD)

    checked = gatewright("config", "check")

    assert (checked.code, checked.out) == (2, "")
    first, second = checked.err.splitlines()
    assert first.startswith("gateway.yaml:2:8: auth.anonymos: no auth named 'anonymos'; did you")
    assert second.startswith("gateway.yaml:3:20: events.console.colour: unknown option")


def test_checking_starts_nothing(gatewright, tmp_path):
    (tmp_path / "gateway.yaml").write_text(f"{GOOD}\nserver: {{bind: '127.0.0.1:0'}}\n")

    assert gatewright("config", "check").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["gateway.yaml"]


def test_no_file_is_a_problem(gatewright):
    checked = gatewright("config", "check")

    assert (checked.code, checked.err) == (2, "gateway.yaml: no such file\n")
