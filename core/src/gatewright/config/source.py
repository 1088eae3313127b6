"""From bytes to a tree of values: YAML 1.1's scalars, mappings and lists, and nothing else.

PyYAML scans and composes; values are made here, so that every one keeps its place and no tag can
make anything but text, numbers, true, false and nothing. Bounded in bytes, depth, aliases and size
after aliases are followed.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Final, Protocol

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.nodes import Node as YamlNode
from yaml.reader import ReaderError

from gatewright.config.nodes import Items, Mark, Node, Option, Options, Path, Scalar
from gatewright.config.report import Report
from gatewright.config.scalars import TAGS, UNUSABLE, usable, value_of
from gatewright.plugin.suggest import shown

__all__ = ["MAX_BYTES", "parse", "read"]

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 32
MAX_ALIASES: Final = 100
MAX_NODES: Final = 20_000

_TOO_LARGE: Final = f"larger than {MAX_BYTES} bytes, which no configuration is"
_YAML: Final = "tag:yaml.org,2002:"


class _TooMuch(yaml.YAMLError):
    """The file is beyond one of the bounds."""

    def __init__(self, message: str, mark: Mark) -> None:
        self.message, self.mark = message, mark
        super().__init__(message)


class _YamlMark(Protocol):
    line: int
    column: int


class _Loader(yaml.SafeLoader):
    """Composes a tree, bounded in depth and aliases. Its constructor is never used."""

    depth = 0
    aliases = 0

    def compose_node(self, parent: YamlNode | None, index: int) -> YamlNode | None:
        if self.check_event(yaml.AliasEvent):
            self.aliases += 1
        self.depth += 1
        mark = _mark(self.current_event.start_mark)
        if self.aliases > MAX_ALIASES:
            message = f"more than {MAX_ALIASES} aliases"
            raise _TooMuch(message, mark)
        if self.depth > MAX_DEPTH:
            message = f"nests deeper than {MAX_DEPTH} levels"
            raise _TooMuch(message, mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read(file: FilePath, report: Report) -> str:
    """Return the text of a file.

    Raises:
        ConfigError: It cannot be read; one line says why.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        report.fail("no such file")
    except IsADirectoryError:
        report.fail("is a directory; name the file in it")
    except OSError as error:
        report.fail(f"cannot be read: {error.strerror or type(error).__name__}")
    except ValueError:  # a name that no file system takes
        report.fail("cannot be read: not a file name")
    if len(data) > MAX_BYTES:
        report.fail(_TOO_LARGE)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        report.fail(f"not UTF-8 at byte {error.start}")


def parse(text: str, report: Report) -> Options:
    """Return the file's sections; an empty file has none. Single bad values are only reported.

    Raises:
        ConfigError: It is no YAML, beyond a bound, or no mapping.
    """
    if len(text) > MAX_BYTES:
        report.fail(_TOO_LARGE)
    try:
        root = yaml.compose(text, Loader=_Loader)
        node = None if root is None else _Reader(report).node(root, ())
    except yaml.YAMLError as error:
        report.fail(*_syntax(error, text))
    except (ValueError, OverflowError):  # PyYAML passes on what chr() says about "\\UFFFFFFFF"
        report.fail("not valid YAML: an escape that is no character")
    if isinstance(node, Options):
        return node
    if node is not None and not (isinstance(node, Scalar) and node.value is None):
        report.fail("must be a mapping of sections, such as 'server:'", node.mark)
    report.raise_if_any()
    return Options({}, Mark(1, 1))


class _Reader:
    """Makes values of composed nodes, counting them."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._count = 0

    def node(self, node: YamlNode, path: Path) -> Node | None:
        """Return a node's value, or ``None`` once it is reported why it has none."""
        self._count += 1
        mark = _mark(node.start_mark)
        if self._count > MAX_NODES or len(path) > MAX_DEPTH:
            message = "too much of it once aliases are followed"
            raise _TooMuch(message, mark)
        try:
            return self._value(node, path, mark)
        except _Refused as refused:
            self._report.add(refused.message, path, mark)
            return None

    def _value(self, node: YamlNode, path: Path, mark: Mark) -> Node:
        if isinstance(node, ScalarNode):
            return _scalar(node, mark)
        if isinstance(node, SequenceNode) and node.tag == f"{_YAML}seq":
            items = [self.node(item, (*path, index)) for index, item in enumerate(node.value)]
            return Items(tuple(item for item in items if item is not None), mark)
        if isinstance(node, MappingNode) and node.tag == f"{_YAML}map":
            return self._options(node, path, mark)
        raise _Refused(_bad_tag(node))

    def _options(self, node: MappingNode, path: Path, mark: Mark) -> Options:
        entries: dict[str, Option] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            key_mark = _mark(key_node.start_mark)
            try:
                key = _key(key_node)
            except _Refused as refused:
                self._report.add(refused.message, path, key_mark)
                continue
            if key in lines:
                message = f"written twice, first on line {lines[key]}"
                self._report.add(message, (*path, key), key_mark)
                continue
            lines[key] = key_mark.line
            value = self.node(value_node, (*path, key))
            if value is not None:
                entries[key] = Option(key_mark, value)
        return Options(entries, mark, broken=frozenset(lines.keys() - entries.keys()))


class _Refused(Exception):
    """A single value that cannot be used."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


def _key(node: YamlNode) -> str:
    if not isinstance(node, ScalarNode):
        message = "a key must be text"
        raise _Refused(message)
    if node.tag == f"{_YAML}merge":
        message = "merge keys ('<<') are not supported; write the options out"
        raise _Refused(message)
    return _scalar(node, Mark(1, 1)).text


def _scalar(node: ScalarNode, mark: Mark) -> Scalar:
    text: str = node.value
    if not usable(text):
        raise _Refused(UNUSABLE)
    if node.tag not in TAGS:
        raise _Refused(_bad_tag(node))
    try:
        return Scalar(value_of(node.tag, text), text, mark)
    except (ValueError, OverflowError):
        message = f"cannot be read as !!{node.tag.removeprefix(_YAML)}"
        raise _Refused(message) from None


def _bad_tag(node: YamlNode) -> str:
    tag = node.tag.replace(_YAML, "!!", 1)
    return f"tag {shown(tag)} is not allowed; write plain values"


def _mark(mark: _YamlMark) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


def _syntax(error: yaml.YAMLError, text: str) -> tuple[str, Mark | None]:
    """Return what a parser's complaint says, and where."""
    if isinstance(error, _TooMuch):
        return error.message, error.mark
    if isinstance(error, ReaderError):
        before = text[: error.position]
        mark = Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))
        return "not valid YAML: a character that YAML does not allow", mark
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"not valid YAML: {error.problem}", _mark(error.problem_mark)
    return "not valid YAML", None
