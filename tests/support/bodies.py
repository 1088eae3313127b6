"""Bodies of all kinds that a backend might publish, most of them no publications."""

from hypothesis import strategies as st

from gatewright import InvalidPublication, parse_publication

JSONISH = st.recursive(
    st.none() | st.integers() | st.text() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda value: str(value).encode(errors="surrogatepass"), JSONISH),
    st.builds(lambda a, b: b'{"subjects":%b,"payload":%b}' % (a, b), *[st.binary(max_size=20)] * 2),
)


def is_valid(body):
    try:
        parse_publication(body)
    except InvalidPublication:
        return False
    return True
