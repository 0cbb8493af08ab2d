"""Modules imported inside a function: found in sys.modules, and run afresh."""

import importlib
import sys


def import_again(name):
    sys.modules.pop(name, None)
    return importlib.import_module(name)


def import_known():
    import json.decoder
    from os import path

    return json.decoder, path


def import_missing():
    try:
        import no_such_module_anywhere
    except ImportError:
        return None
    return no_such_module_anywhere


def main():
    import_again("colorsys")
    import_again("stringprep")
    import_known()
    import_missing()
