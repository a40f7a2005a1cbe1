import io
import logging

from tollbridge.home import new_key
from tollbridge.observe.masked import MaskingFormatter


def test_neither_a_line_nor_a_traceback_holds_a_key():
    stream, key = io.StringIO(), new_key()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(MaskingFormatter("%(levelname)s %(message)s"))
    log = logging.Logger("test")
    log.addHandler(handler)
    log.warning("%s failed", f"/key/{key}/regenerate")
    try:
        raise ValueError(key)
    except ValueError:
        log.exception("while looking at %s", key)
    text = stream.getvalue()
    assert "WARNING /key/*** failed" in text
    assert "Traceback" in text
    assert key not in text
    assert key[14:57] not in text
