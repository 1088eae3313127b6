"""The standard library's JSON parser made strict: a second opinion on what RFC 8259 allows."""

import json

from hypothesis import strategies as st


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def strict(text: str) -> object:
    """Parse strict JSON.

    Raises:
        ValueError: It is none.
    """
    value = json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
    json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair cannot be encoded
    return value


def nesting(value: object) -> int:
    """Return how many objects and arrays are inside each other."""
    if isinstance(value, dict):
        return 1 + max(map(nesting, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(nesting, value), default=0)
    return 0


def is_object(text: str) -> bool:
    """Tell whether a text is what the contract calls a JSON object."""
    try:
        value = strict(text)
    except ValueError:
        return False
    return isinstance(value, dict) and nesting(value) <= 128


def _encodable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
).filter(_encodable)

# What JSON and its neighbours are made of, thrown together: nearly right, and wrong in all ways.
PIECES = st.lists(
    st.sampled_from(
        [
            *'{}[]:,"', '"a"', '"type"', '"ping"', '"heartbeat"', '"refresh"', '{"type":', '"":',
            "1", "-1", "1.5e3", "01", "-", "+1", ".5", "1.", "1e", "1e999", "NaN", "Infinity",
            "-Infinity", "true", "false", "null", "nul", "True", " ", "\t", "\n", "\r", "\v", "\0",
            "\\", "\\u0041", "\\ud83d", "\\ude00", "\\ud83d\\ude00", "\\uD8", "\\n", "\\x", "\\/",
            "\x1f", "\x7f", "é", "😀", "\ufeff", "\u2028", "/", "//", "'", "\xa0",
        ]
    ),
    max_size=12,
).map("".join)  # fmt: skip

TEXTS = (
    PIECES
    | PIECES.map(lambda text: f'{{"a":{text}}}')
    | PIECES.map(lambda text: f'{{"a":"{text}"}}')
    | PIECES.map(lambda text: f'{{"{text}":1}}')
    | PIECES.map(lambda text: f'{{"type":"ping",{text}}}')
    | VALUES.map(json.dumps)
    | VALUES.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1))
    | st.text()
)

ATTACKS = {
    "quotes": '"' * 1_000_000,
    "open arrays": "[" * 1_000_000,
    "open objects": '{"":' * 250_000,
    "arrays": "[" * 500_000 + "]" * 500_000,
    "empty arrays": "[" + "[]," * 330_000 + "[]]",
    "backslashes": '"' + "\\" * 1_000_000,
    "escaped quotes": '{"a":"' + '\\"' * 500_000 + '"}',
    "half strings": '"\\"' * 330_000,
    "strings": '{"a":[' + '"",' * 330_000 + '""]}',
    "brackets in strings": '{"a":"' + "[{" * 500_000 + '"}',
    "digits": '{"a":' + "9" * 1_000_000 + "}",
    "exponent": '{"a":1e' + "9" * 1_000_000 + "}",
    "spaces": " " * 1_000_000 + "{}",
    "duplicates": "{" + '"type":"ping",' * 70_000 + '"type":"x"}',
    "keys": "{" + ",".join(f'"{n}":0' for n in range(80_000)) + "}",
    "surrogates": '{"a":"' + "\\ud83d\\ude00" * 80_000 + '"}',
    "commas": "{" + "," * 1_000_000,
    "letters": "n" * 1_000_000,
    "text": "é" * 500_000,
}
