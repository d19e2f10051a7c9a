"""A compiler launcher, as ccache is one: takes an object that a build tree has made by the same command.

    ASSAY_OBJECTS=FOLDER reuse_object.py COMPILER ARGUMENT...   as CMAKE_CXX_COMPILER_LAUNCHER

FOLDER holds a compile_commands.json and is up to date. A command that is not in it is run.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import sys

PATHS = ("-o", "-MF", "-MT", "-MQ")


def normal(words):
    """What decides the object: packages of one name are pinned to one version, wherever they are installed."""
    kept = [word for before, word in zip(["", *words], words) if before not in PATHS and word not in (*PATHS, "-MD")]
    return [re.sub(r"/\S+/site-packages/", "site-packages/", word) for word in kept]


def value(words, option):
    return words[words.index(option) + 1]


def main(words):
    folder = pathlib.Path(os.environ["ASSAY_OBJECTS"])
    if "-c" in words and "-o" in words:
        source = value(words, "-c")
        for entry in json.loads((folder / "compile_commands.json").read_text()):
            if entry["file"] != source:
                continue
            other = shlex.split(entry["command"])
            other = other[other.index(words[0]):] if words[0] in other else other
            made = folder / value(other, "-o")
            if normal(other) == normal(words) and made.exists():
                shutil.copyfile(made, value(words, "-o"))
                if "-MF" in words:
                    pathlib.Path(value(words, "-MF")).write_text(f"{value(words, '-o')}: {source}\n")
                return
    os.execvp(words[0], words)


if __name__ == "__main__":
    main(sys.argv[1:])
