"""json to text and back, with hooks, with the C encoder and with the Python one."""

import json
from json import decoder, encoder, scanner


def default(value):
    return sorted(value)


def hook(pairs):
    return dict(pairs)


class Encoder(json.JSONEncoder):
    def default(self, value):
        return {"set": sorted(value)}


class PythonDecoder(decoder.JSONDecoder):
    def __init__(self):
        super().__init__()
        self.scan_once = scanner.py_make_scanner(self)


def main():
    document = {"a": [1, 2.5, None, True], "b": {"c": "text"}, "d": {1, 2}}
    text = json.dumps(document, default=default)
    json.loads(text, object_pairs_hook=hook)
    json.dumps(document, cls=Encoder, indent=2)
    list(Encoder().iterencode(document))
    encoder.py_encode_basestring_ascii("text\n")
    try:
        json.loads("[1, 2")
    except json.JSONDecodeError:
        pass
    return PythonDecoder().decode(text)
