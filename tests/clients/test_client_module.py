"""The core ships the browser client as it is, for its console page."""

import sys

from scripts import client_module


def test_the_copies_are_as_the_source_is(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["client_module.py", "--check"])

    assert client_module.main() == 0, capsys.readouterr().out


def test_what_needs_a_key_is_not_copied():
    copies = client_module.modules(client_module.COPIES)

    assert "client.js" in copies
    assert not (client_module.COPIES / "publish.js").exists()
    assert not any(b"apiKey" in text for text in copies.values())


def test_a_stale_a_missing_and_a_left_over_copy_are_told_and_renewed(monkeypatch, tmp_path, capsys):
    source, copies = tmp_path / "src", tmp_path / "copies"
    source.mkdir()
    copies.mkdir()
    (source / "new.js").write_text("1")
    (source / "changed.js").write_text("2")
    (source / "publish.js").write_text("3")
    (copies / "changed.js").write_text("old")
    (copies / "gone.js").write_text("old")
    for name, value in {"ROOT": tmp_path, "SOURCE": source, "COPIES": copies}.items():
        monkeypatch.setattr(client_module, name, value)

    monkeypatch.setattr(sys, "argv", ["client_module.py", "--check"])
    assert client_module.main() == 1
    told = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert told == ["copies/changed.js", "copies/gone.js", "copies/new.js"]

    monkeypatch.setattr(sys, "argv", ["client_module.py"])
    assert client_module.main() == 0
    assert {path.name: path.read_text() for path in copies.iterdir()} == {
        "new.js": "1",
        "changed.js": "2",
    }
