"""Write which rows `datasets` takes for a slice of a split: python test/reference/splits.py test/fixtures/splits.json

A case is [slice, rows of the split, first row, row behind the last], or without the last two where `datasets` refuses it.
"""
import json
import pathlib
import sys

import datasets
from datasets import ReadInstruction

ENDS = ["", "0", "1", "3", "7", "10", "11", "-1", "-4", "-10", "-11", "10%", "25%", "35%", "50%", "99%", "100%", "-10%", "-35%", "-50%", "-100%"]
TOTALS = [1, 5, 10, 30, 997]


def main(out):
    cases = []
    for total in TOTALS:
        for start in ENDS:
            for end in ENDS:
                spec = f"train[{start}:{end}]"
                try:
                    (found,) = ReadInstruction.from_spec(spec).to_absolute({"train": total})
                    cases.append([spec, total, found.from_ or 0, total if found.to is None else found.to])
                except (ValueError, AssertionError):
                    cases.append([spec, total])
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    out.write_text(f'{{"datasets":"{datasets.__version__}","cases":[\n{lines}\n]}}\n')


main(pathlib.Path(sys.argv[1]))
