import json

import pytest

from gatewright.wire import frames
from gatewright.wire.frames import Frame, event_frame


def test_a_publication_is_one_frame_with_the_payloads_own_bytes() -> None:
    frame = event_frame(b'{ "a" : "\\u00e9" }')

    assert frame.payload == b'{"type":"event","payload":{ "a" : "\\u00e9" }}'
    assert frame.wire == b"\x81" + bytes([len(frame.payload)]) + frame.payload
    assert frame.size == len(frame.wire)


def test_a_frames_text_is_decoded_once_for_all() -> None:
    frame = Frame("é".encode())

    assert frame.text == "é"
    assert frame.text is frame.text
    assert frame.size == 4


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (frames.PONG, {"type": "pong"}),
        (frames.HEARTBEAT_ACK, {"type": "heartbeat_ack"}),
        (frames.RATE_LIMITED, {"type": "rate_limited"}),
    ],
)
def test_the_gateways_own_answers(frame: Frame, message: dict[str, str]) -> None:
    assert frame.text == json.dumps(message, separators=(",", ":"))
