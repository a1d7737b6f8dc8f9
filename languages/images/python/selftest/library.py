import json
import re
from collections import Counter
from datetime import date, timedelta
from threading import Thread

counts = Counter("aab")
print("collections:", *(f"{letter}={count}" for letter, count in counts.items()))
print("regex:", *re.search(r"(\d{4})-(\d{2})", "on 2024-03-01").groups())
print("json:", json.dumps(json.loads('{"list": [1, 2, 3]}')["list"], separators=(",", ":")))
print("bigint:", 2**100)
print("sort:", *sorted(["pear", "fig", "apple"]))
print("date:", date(2024, 2, 28) + timedelta(days=2))
total = []
threads = [Thread(target=total.append, args=(number,)) for number in (1, 2, 3, 4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("threads:", sum(total))
