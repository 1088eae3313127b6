"""The alert rules of deploy/prometheus, and Prometheus' own tool to try them."""

from __future__ import annotations

import re
import shutil
import subprocess

import yaml
from tests.support.markdown import ROOT

RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"


def alerts():
    """Return every alert rule by its name."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def promtool(*words):
    """Run promtool; return its exit code and all that it printed."""
    found = shutil.which("promtool")
    assert found, "promtool is not installed; run: make system-packages"
    done = subprocess.run([found, *words], capture_output=True, text=True, check=False, timeout=50)
    return done.returncode, done.stdout + done.stderr


def metrics_of(expression):
    """Return the names of all metrics that an expression asks for."""
    plain = re.sub(r'"[^"]*"', '""', expression)
    return set(re.findall(r"\b(?:gatewright_\w+|process_\w+|up)\b", plain))


def labels_of(expression):
    """Return the labels by which each metric of an expression is picked, as (metric, label)."""
    found = set()
    for metric, picks in re.findall(r"\b(gatewright_\w+|process_\w+|up)\{([^}]*)\}", expression):
        found |= {(metric, label) for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", picks)}
    return found


def grouped_by(expression):
    """Return every label that an expression groups or matches by."""
    lists = re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", expression)
    return {label.strip() for each in lists for label in each.split(",") if label.strip()}
