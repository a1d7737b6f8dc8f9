import json
import os
import re
import subprocess
from collections import Counter
from datetime import date, timedelta
from threading import Thread

os.environ["HOME"] = "/tmp"
FILES = {
    "a.c": '#include <stdio.h>\nint main(void) { puts("c"); }\n',
    "a.cpp": '#include <iostream>\nint main() { std::cout << "cpp\\n"; }\n',
    "A.java": 'public class A { public static void main(String[] a) { System.out.println("java"); } }\n',
    "a.js": 'console.log("js")\n',
    "a.php": '<?php echo "php\\n";\n',
    "clean.py": '"""Nothing is wrong here."""\n',
}
COMMANDS = {
    "c": "gcc -Wall -Werror a.c -o a && ./a",
    "cpp": "g++ a.cpp -o b && ./b",
    "java": "javac -J-Xmx128m A.java && java -Xmx64m A",
    "js": "node a.js",
    "php": "php a.php",
    "sql": "echo \"select 'sql';\" | sqlite3",
    "pylint": "pylint --score=n clean.py && echo pylint",
    "numpy": "python3 -c 'import numpy; print(numpy.array([\"numpy\"])[0])'",
}
for name, text in FILES.items():
    with open(name, "w") as file:
        file.write(text)
for name, command in COMMANDS.items():
    ran = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert ran.stdout == f"{name}\n", (command, ran)

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
