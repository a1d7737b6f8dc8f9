import numpy as np

print("numpy:", np.arange(12).reshape(3, 4).sum(axis=1))
import pandas as pd

print("pandas:", pd.DataFrame({"name": ["a", "b", "a"], "value": [1, 2, 3]}).groupby("name").value.sum().to_dict())
from scipy import optimize

print("scipy:", round(optimize.brentq(lambda x: x * x - 2, 0, 2), 6))
import networkx as nx

print("networkx:", nx.shortest_path(nx.Graph([(1, 2), (2, 3), (1, 4), (4, 3), (3, 5)]), 1, 5)[-2:])
from sortedcontainers import SortedList

print("sortedcontainers:", list(SortedList([3, 1, 2])))
import requests

print("requests:", requests.Request("GET", "http://example.org", params={"q": "a b"}).prepare().url)
from sklearn.linear_model import LinearRegression

print("sklearn:", LinearRegression().fit([[1], [2], [3]], [2, 4, 6]).predict([[4]]).round(3))
import subprocess

# The rest in processes of their own: all of it together is more than most programs need at once.
for name, program in {
    "sympy": "import sympy; x = sympy.Symbol('x'); print(sympy.integrate(x ** 2, x))",
    "matplotlib": "import io, matplotlib.pyplot as plt; plt.plot([1, 2]); out = io.BytesIO(); plt.savefig(out); print(out.getvalue()[1:4])",
    "pytest": "import pytest; open('test_a.py', 'w').write('def test_a(): assert 1 + 1 == 2'); print(pytest.main(['-q', '--no-header', '-p', 'no:cacheprovider', 'test_a.py']) == 0)",
}.items():
    lines = subprocess.run(["python3", "-c", program], capture_output=True, text=True).stdout.splitlines()
    print(f"{name}: {lines[-1] if lines else 'failed'}")
