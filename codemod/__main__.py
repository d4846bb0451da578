"""`python -m codemod`: the `codemod` script, of the interpreter at hand."""

from codemod.cli import run

if __name__ == "__main__":
    run()
