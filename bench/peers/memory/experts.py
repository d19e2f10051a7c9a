#!/usr/bin/env python3
"""The twin of `assay consensus FILE --no-encoder --method medoid`: opinions and the most typical answer of each panel.

usage: experts.py FILE      JSON lines: {"answers": [{"expert", "text"}]}
"""

import json
import sys
from pathlib import Path

from assay.reference import consensus, text

for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
    answers = json.loads(line)["answers"]
    agreement = text.cosine_matrix([answer["text"] for answer in answers])
    opinions = consensus.cluster(agreement, "average", 0.75)
    medoid = max(range(len(answers)), key=lambda i: float(agreement[i].sum()))
    print(json.dumps({"answer": answers[medoid]["text"], "opinions": [opinion.members for opinion in opinions]}))
