"""The first points of the Sobol sequence as PyTorch has it, with the direction numbers of Joe and Kuo.

    python test/reference/sobol_fixture.py > test/fixtures/sweep/sobol.json
"""

import json

import torch

points = torch.quasirandom.SobolEngine(64).draw(128, dtype=torch.float64)
print(json.dumps({"torch": torch.__version__, "points": points.tolist()}))
