"""Writes one-fact changes of the sentences of RAGTruth's text sources, in the nli format, for train.py.

    make_changes.py ragtruth.jsonl changes.jsonl

Also, for each source, sentences of another one, labelled neutral: nothing in the source bears on them.

A changed number, month, weekday, name or negation turns a source's own sentence into a claim that the source
contradicts. Every change keeps its source as group, so that folds stay honest.
"""

import json
import random
import re
import sys

PER_SOURCE = 14
FOREIGN_PER_SOURCE = 6
MONTHS = "January February March April June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NUMBERS = "two three four five six seven eight nine ten eleven twelve".split()
AUXILIARIES = {"is": "is not", "are": "are not", "was": "was not", "were": "were not", "can": "cannot",
               "will": "will not", "has": "has not", "have": "have not", "must": "must not", "should": "should not"}


def sentences(text):
    for part in re.split(r"(?<=[.!?])\s+|\n+", text):
        part = part.strip()
        if 6 <= len(part.split()) <= 40 and part[-1:] in ".!?":
            yield part


def changes(sentence, names, rng):
    for match in re.finditer(r"\b\d[\d,.]*\d|\b\d\b", sentence):
        digits = list(match.group())
        at = 3 if re.fullmatch(r"[12]\d\d\d", match.group()) else 0
        digits[at] = str((int(digits[at]) + rng.randint(1, 8)) % 9 + 1)
        if "".join(digits) != match.group():
            yield sentence[:match.start()] + "".join(digits) + sentence[match.end():]
    for words in (MONTHS, DAYS, NUMBERS):
        for match in re.finditer(r"\b(" + "|".join(words) + r")\b", sentence):
            other = rng.choice([word for word in words if word != match.group()])
            yield sentence[:match.start()] + other + sentence[match.end():]
    for match in re.finditer(r"(?<=\w )[A-Z][a-z]{3,}\b", sentence):
        other = rng.choice(names)
        if other not in sentence and match.group() not in MONTHS + DAYS:
            yield sentence[:match.start()] + other + sentence[match.end():]
    negation = re.search(r"\b(\w+) not\b", sentence)
    if negation:
        yield sentence[:negation.end(1)] + sentence[negation.end():]
        return
    match = re.search(r"\b(" + "|".join(AUXILIARIES) + r")\b", sentence)
    if match:
        yield sentence[:match.start()] + AUXILIARIES[match.group()] + sentence[match.end():]


def main():
    rng = random.Random(3)
    sources = {}
    records = {}
    for line in open(sys.argv[1], encoding="utf-8"):
        record = json.loads(line)
        (records if record["task"] == "data2txt" else sources)[record["source_id"]] = record["source"]
    names = sorted({match for text in sources.values() for match in re.findall(r"(?<=[a-z] )[A-Z][a-z]{4,}\b", text)})
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        for source_id in sorted(sources):
            found = [change for sentence in sentences(sources[source_id]) for change in changes(sentence, names, rng)]
            rng.shuffle(found)
            for i, change in enumerate(found[:PER_SOURCE]):
                out.write(json.dumps({"premise": sources[source_id], "hypothesis": change, "label": "contradicted",
                                      "set": "changes", "group": source_id, "id": f"{source_id}-{i}"}) + "\n")
        everything = sources | records
        pool = {source_id: list(sentences(text)) for source_id, text in sorted(sources.items())}
        for source_id in sorted(everything):
            others = [other for other in sorted(pool) if other != source_id and pool[other]]
            for i in range(FOREIGN_PER_SOURCE):
                claim = rng.choice(pool[rng.choice(others)])
                out.write(json.dumps({"premise": everything[source_id], "hypothesis": claim, "label": "neutral",
                                      "set": "foreign", "group": source_id, "id": f"{source_id}-f{i}"}) + "\n")


if __name__ == "__main__":
    main()
