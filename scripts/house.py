"""What the checks of the house have in common: they take a folder and print breaches."""
import pathlib


def run(breaches, arguments):
    """Prints what `breaches(root)` finds in arguments[1], by default this repository; returns the exit code."""
    root = pathlib.Path(arguments[1]) if len(arguments) > 1 else pathlib.Path(__file__).resolve().parent.parent
    found = breaches(root)
    for line in found:
        print(line)
    return 1 if found else 0
