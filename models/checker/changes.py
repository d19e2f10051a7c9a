"""Changes one fact of a sentence and records which: hard negatives whose unsupported words are known.

Kinds: number, unit, date, name, negation, quantifier, role. A change keeps the rest of the sentence letter by letter.
"""

import dataclasses
import re

MONTHS = "January February March April June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NUMBERS = "two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty".split()
UNITS = (("seconds", "minutes", "hours", "days", "weeks", "months", "years"), ("second", "minute", "hour", "day", "week",
         "month", "year"), ("metres", "kilometres", "miles", "feet", "inches", "meters", "kilometers"),
         ("grams", "kilograms", "pounds", "tons", "ounces"), ("thousand", "million", "billion"), ("percent", "times"),
         ("mg", "g", "kg"), ("cm", "m", "km", "mm"))
QUANTIFIERS = (("all", "some", "no", "most", "few"), ("every", "no"), ("always", "never", "sometimes", "rarely"),
               ("at least", "at most"), ("more than", "less than", "fewer than"), ("before", "after"),
               ("first", "last"), ("increased", "decreased"), ("higher", "lower"), ("largest", "smallest"),
               ("must", "may"), ("and", "or"), ("only", "also"), ("both", "neither of the"))
AUXILIARIES = {"is": "is not", "are": "are not", "was": "was not", "were": "were not", "can": "cannot", "will": "will not",
               "has": "has not", "have": "have not", "must": "must not", "should": "should not", "does": "does not",
               "do": "do not", "did": "did not", "would": "would not", "could": "could not"}
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*\b")


@dataclasses.dataclass(frozen=True)
class Change:
    text: str
    kind: str
    begin: int  # of what is new, in characters of text
    end: int
    before: str  # what stood there


def _put(text, begin, end, new, kind):
    return Change(text[:begin] + new + text[end:], kind, begin, begin + len(new), text[begin:end])


def _numbers(text, rng):
    for match in re.finditer(r"(?<![\w.])\d[\d,.]*\d(?!\w)|(?<![\w.])\d(?!\w)", text):
        digits = list(match.group())
        is_year = re.fullmatch(r"(1[5-9]|20)\d\d", match.group())
        places = [i for i, c in enumerate(digits) if c.isdigit() and not (is_year and i < 2)]
        at = rng.choice(places)
        digits[at] = rng.choice([d for d in ("123456789" if at == 0 else "0123456789") if d != digits[at]])
        yield _put(text, *match.span(), "".join(digits), "date" if is_year else "number")
    for match in re.finditer(r"\b(" + "|".join(NUMBERS) + r")\b", text):
        yield _put(text, *match.span(), rng.choice([n for n in NUMBERS if n != match.group()]), "number")


def _words(text, groups, kind, rng):
    for group in groups:
        for match in re.finditer(r"\b(" + "|".join(group) + r")\b", text):
            yield _put(text, *match.span(), rng.choice([w for w in group if w != match.group()]), kind)


def _names(text, names, rng):
    for match in _NAME.finditer(text):
        if not names or {*match.group().split()} & {*MONTHS, *DAYS}:
            continue
        other = rng.choice(names)
        if other not in text:
            yield _put(text, *match.span(), other, "name")


def _roles(text):
    """Two names exchange their places; only where a word stands between them that is no "and"."""
    found = list(_NAME.finditer(text))
    first = re.match(r"[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})+\b", text)
    if first:
        found = [first] + [match for match in found if match.start() >= first.end()]
    for a, b in zip(found, found[1:]):
        between = text[a.end():b.start()]
        if a.group() == b.group() or not between.strip() or re.search(r"\b(and|or|with|,)\b", between):
            continue
        new = b.group() + between + a.group()
        yield _put(text, a.start(), b.end(), new, "role")


def _negations(text):
    negation = re.search(r"\b(\w+) not\b", text)
    if negation:
        change = text[:negation.end(1)] + text[negation.end():]
        yield Change(change, "negation", negation.start(1), negation.end(1), negation.group())
        return
    match = re.search(r"\b(" + "|".join(AUXILIARIES) + r")\b", text)
    if match:
        yield _put(text, *match.span(), AUXILIARIES[match.group()], "negation")


def names_of(texts):
    return sorted({match.group() for text in texts for match in _NAME.finditer(text)})


def changes(text, names, rng):
    """All changes of one fact, in the order of their kinds. `names`: what a name may become."""
    yield from _numbers(text, rng)
    yield from _words(text, UNITS, "unit", rng)
    yield from _words(text, (MONTHS, DAYS), "date", rng)
    yield from _names(text, names, rng)
    yield from _negations(text)
    yield from _words(text, QUANTIFIERS, "quantifier", rng)
    yield from _roles(text)


def one_change(text, names, rng):
    """One of them, every kind that the text allows equally likely; None if there is none."""
    by_kind = {}
    for change in changes(text, names, rng):
        by_kind.setdefault(change.kind, []).append(change)
    return rng.choice(by_kind[rng.choice(sorted(by_kind))]) if by_kind else None
