"""The command line: python -m assay.ray check|embed|cache."""

import argparse
import dataclasses
import json
import sys
import time

from assay import errors
from assay.ray import _jobs
from assay.ray._run import Report

# Those of the program assay.
_EXIT_CODES = {"invalid_argument": 2, "out_of_range": 2, "not_found": 3, "already_exists": 4, "permission_denied": 5,
               "unauthenticated": 5, "failed_precondition": 6, "resource_exhausted": 7, "unavailable": 8,
               "deadline_exceeded": 8, "data_loss": 9}  # fmt: skip

_ABOUT = """\
Checks, embeds and cache evaluations over many processes and machines, on Ray. Jobs that were stopped go on: run the same
command again. Each row is known by the hash of its content and gets one result."""

_CHECK = """\
Judges every claim of each answer against the documents. Input, one JSON object a line:
  {"id": "a", "question": "How many days?", "answer": "Employees get 27 days of leave."}
  {"id": "b", "claims": ["Employees get 27 days of leave."]}
Output, a line for each row in OUT/blocks/*.jsonl, listed in OUT/manifest.jsonl:
  {"hash", "id", "claims": [{"text", "verdict", "confidence", "reason", "evidence", "unsupported_words"}],
  "summary"}"""

_CHECK_EXAMPLES = """\
examples:
  python -m assay.ray check --input answers.jsonl --documents handbook/ --output verdicts/
  python -m assay.ray check --input a.jsonl --input b.jsonl --documents handbook/ --output verdicts/ --workers 8
  python -m assay.ray check --input answers.jsonl --documents handbook/ --output /shared/verdicts --address auto
  cat verdicts/blocks/*.jsonl | jq 'select(.summary.contradicted > 0) | .id'"""

_EMBED = """\
Turns texts into vectors, as a table of a LanceDB database in a folder or an S3-compatible store. Input, one JSON object a
line:
  {"id": "a", "text": "Employees get 27 days of leave."}
Columns of the table: id (uint64, of the hash), hash, key (the row's id), vector."""

_EMBED_EXAMPLES = """\
examples:
  python -m assay.ray embed --input texts.jsonl --output db/
  python -m assay.ray embed --input texts.jsonl --output db/ --table passages --model minilm-l6-v2-int8 --precision float16
  AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... \\
      python -m assay.ray embed --input texts.jsonl --output s3://bucket/db --storage endpoint=https://minio:9000"""

_CACHE = """\
Replays traces through memory caches of several sizes and tells their hit ratios. A trace is a file with a key a line, or
of JSON lines {"key": "...", "bytes": 900, "at_ms": 1700000000000}."""

_CACHE_EXAMPLES = """\
examples:
  python -m assay.ray cache --trace monday.txt --trace friday.txt --entries 1000 --entries 10000 --output ratios/
  python -m assay.ray cache --trace day.jsonl --capacity 16777216 --ttl-ms 60000 --ttl-ms 3600000 --output ratios/ --json"""


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise ValueError(text)
    return name, value


_count.__name__, _pair.__name__ = "whole number", "NAME=VALUE"


def _add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str, examples: str, line: str,
         into: str) -> argparse.ArgumentParser:  # fmt: skip
    command = commands.add_parser(
        name, help=line, description=about, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--output", required=True, metavar="OUT", help=into)
    command.add_argument("--workers", type=_count, metavar="N",
                         help="workers of a core each (default: all cores); 0: in this process, without Ray")  # fmt: skip
    command.add_argument("--address", metavar="ADDRESS", help="of a Ray cluster (default: RAY_ADDRESS, else a Ray of its own)")
    command.add_argument("--json", action="store_true", help="print what was done as JSON")
    return command


def _add_input(command: argparse.ArgumentParser, block_rows: int) -> None:
    command.add_argument("--input", required=True, action="append", metavar="FILE", help="JSON lines; - is standard input")
    command.add_argument("--block-rows", type=_count, default=block_rows, metavar="N",
                         help="rows that are committed together (default: %(default)s)")  # fmt: skip
    command.add_argument("--skip-bad-lines", action="store_true", help="leave out lines that are wrong, and list them")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m assay.ray", description=_ABOUT)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    folder = "folder for the results, seen by all machines"
    check = _add(commands, "check", _CHECK, _CHECK_EXAMPLES, "judges answers against documents", folder)
    _add_input(check, 256)
    check.add_argument("--documents", required=True, metavar="DOCS", help="folder or file to judge against")
    check.add_argument("--passages", type=_count, default=8, metavar="N", help="looked at for a claim (default: 8)")
    check.add_argument("--max-evidence", type=_count, default=3, metavar="N", help="told for a claim (default: 3)")
    check.add_argument("--checker", metavar="FOLDER", help="cross-encoder for what facts leave open, or 'default' (default: none)")
    embed = _add(commands, "embed", _EMBED, _EMBED_EXAMPLES, "texts to vectors in LanceDB", "folder or s3:// of the database")
    _add_input(embed, 8192)
    embed.add_argument("--table", default="vectors", metavar="NAME", help="in the database (default: vectors)")
    embed.add_argument("--model", default="static", choices=["static", "minilm-l6-v2-int8", "minilm-l6-v2-f32"])
    embed.add_argument("--precision", default="float32", choices=["float32", "float16"])
    embed.add_argument("--storage", type=_pair, action="append", default=[], metavar="NAME=VALUE",
                       help="option of the object store, e.g. endpoint, region; credentials belong into the environment")  # fmt: skip
    cache = _add(commands, "cache", _CACHE, _CACHE_EXAMPLES, "hit ratios of caches on traces", folder)
    cache.add_argument("--trace", required=True, action="append", metavar="FILE", help="accesses in order")
    for name, line in (("entries", "of a cache"), ("capacity", "of a cache in bytes"), ("ttl-ms", "lifetime of an entry")):
        cache.add_argument(f"--{name}", type=_count, action="append", default=[], metavar="N", help=f"{line}; repeatable")
    return parser


class _Progress:
    """On standard error, where that is a terminal, twice a second."""

    def __init__(self, what: str) -> None:
        self._what, self._drawn, self._on = what, 0.0, sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._on and (now - self._drawn > 0.5 or done == total):
            self._drawn = now
            end = "\n" if done == total else ""
            print(f"\r{self._what}: {done:,} of {total:,}", end=end, file=sys.stderr, flush=True)


def _run(asked: argparse.Namespace) -> Report:
    common = {"workers": asked.workers, "address": asked.address, "progress": _Progress(asked.command)}
    if asked.command == "cache":
        return _jobs.evaluate_cache(asked.trace, asked.output, entries=asked.entries, capacities=asked.capacity,
                                    ttls_ms=asked.ttl_ms, **common)  # fmt: skip
    common |= {"block_rows": asked.block_rows, "skip_bad_lines": asked.skip_bad_lines}
    if asked.command == "check":
        return _jobs.check(asked.input, asked.documents, asked.output, passages=asked.passages,
                           max_evidence=asked.max_evidence, checker=asked.checker, **common)  # fmt: skip
    return _jobs.embed(asked.input, asked.output, table=asked.table, model=asked.model, precision=asked.precision,
                       storage_options=dict(asked.storage), **common)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, else that of the program assay for the same error."""
    asked = _parser().parse_args(arguments)
    try:
        report = _run(asked)
    except errors.Error as error:
        print(f"assay.ray: {error}", file=sys.stderr)
        return _EXIT_CODES.get(error.code, 70)
    except KeyboardInterrupt:
        print("assay.ray: stopped; run the same command again to go on", file=sys.stderr)
        return 130
    for line in report.skipped:
        print(f"assay.ray: left out: {line}", file=sys.stderr)
    if asked.json:
        print(json.dumps(dataclasses.asdict(report)))
    else:
        print(f"{report.output}: {report.computed:,} computed, {report.present:,} were there, {report.repeated:,} repeated"
              f"  ({report.seconds:.1f} s)")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
