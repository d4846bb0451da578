"""The host's entry: run by path in the user's interpreter, so it must parse in any Python 3.

Its folder is kept off `sys.path`: none of its file names may hide a module of the user's.
"""

import sys

if sys.path:
    del sys.path[0]


def _package():  # type: ignore[no-untyped-def]
    """Import this folder as the private package `_codemod_worker`."""
    import importlib.util
    import os

    folder = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        "_codemod_worker",
        os.path.join(folder, "__init__.py"),
        submodule_search_locations=[folder],
    )
    package = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules["_codemod_worker"] = package
    spec.loader.exec_module(package)  # type: ignore[union-attr]


def _main():  # type: ignore[no-untyped-def]
    sys.dont_write_bytecode = True
    if sys.version_info < (3, 8):
        sys.stderr.write("codemod: %s is older than Python 3.8\n" % sys.executable)
        return 3
    _package()  # type: ignore[no-untyped-call]
    import importlib

    arguments = sys.argv[1:]
    del sys.argv[1:]  # A script that parses its arguments when it is imported has none.
    return importlib.import_module("_codemod_worker.host").main(arguments)


if __name__ == "__main__":
    sys.exit(_main())  # type: ignore[no-untyped-call]
