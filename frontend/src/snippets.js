/** The same run from a program: curl, Python, JavaScript, PHP, Go. */

/** @typedef {{url: string, body: any, withKey: boolean}} Call */

const indented = (text, by) => text.replaceAll("\n", `\n${by}`);
const json = (value) => JSON.stringify(value, null, 2);

/** In a POSIX shell, between single quotes. */
const shell = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A literal of Python: JSON's strings are its strings, but for half a surrogate pair, which no text here has. */
function python(value, by = "") {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return listed("[", "]", value.map((each) => python(each, `${by}    `)), by);
  if (typeof value === "object") {
    return listed("{", "}", Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${python(each, `${by}    `)}`), by);
  }
  return JSON.stringify(value);
}

/** Strings between single quotes, in which only two characters have a meaning. */
function php(value, by = "") {
  if (Array.isArray(value)) return listed("[", "]", value.map((each) => php(each, `${by}    `)), by);
  if (value && typeof value === "object") {
    return listed("[", "]", Object.entries(value).map(([name, each]) => `${php(name)} => ${php(each, `${by}    `)}`), by);
  }
  return typeof value === "string" ? `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'` : JSON.stringify(value);
}

function listed(open, close, parts, by) {
  if (!parts.length) return open + close;
  return `${open}\n${parts.map((part) => `${by}    ${part},\n`).join("")}${by}${close}`;
}

/** A raw string of Go, which can hold no backquote. */
const go = (text) => `\`${text.replaceAll("`", '` + "`" + `')}\``;

/** @type {Record<string, {title: string, of: (call: Call) => string}>} */
export const CLIENTS = {
  curl: {
    title: "curl",
    of: ({ url, body, withKey }) =>
      `curl ${url} \\\n${withKey ? '  -H "Authorization: Api-Key $KEY" \\\n' : ""}  -H "Content-Type: application/json" \\\n  -d ${shell(json(body))}\n`,
  },
  python: {
    title: "Python",
    of: ({ url, body, withKey }) => `import requests

answer = requests.post(
    ${JSON.stringify(url)},${withKey ? '\n    headers={"Authorization": f"Api-Key {key}"},' : ""}
    json=${python(body, "    ")},
)
answer.raise_for_status()
execution = answer.json()
print(execution["outcome"], (execution["run"] or {}).get("stdout"))
`,
  },
  javascript: {
    title: "JavaScript",
    of: ({ url, body, withKey }) => `const answer = await fetch(${JSON.stringify(url)}, {
  method: "POST",
  headers: { "Content-Type": "application/json"${withKey ? ", Authorization: `Api-Key ${key}`" : ""} },
  body: JSON.stringify(${indented(json(body), "  ")}),
});
const execution = await answer.json();
console.log(execution.outcome, execution.run?.stdout);
`,
  },
  php: {
    title: "PHP",
    of: ({ url, body, withKey }) => `<?php

$request = curl_init(${php(url)});
curl_setopt_array($request, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => ['Content-Type: application/json'${withKey ? ', "Authorization: Api-Key $key"' : ""}],
    CURLOPT_POSTFIELDS => json_encode(${php(body, "    ")}),
]);
$execution = json_decode(curl_exec($request));
echo $execution->outcome, "\\n", $execution->run?->stdout;
`,
  },
  go: {
    title: "Go",
    of: ({ url, body, withKey }) => `package main

import (
	"encoding/json"
	"fmt"
	"net/http"${withKey ? '\n\t"os"' : ""}
	"strings"
)

func main() {
	body := ${go(json(body))}
	request, err := http.NewRequest("POST", ${JSON.stringify(url)}, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Content-Type", "application/json")${withKey ? '\n\trequest.Header.Set("Authorization", "Api-Key "+os.Getenv("KEY"))' : ""}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	var execution struct {
		Outcome string
		Run     struct{ Stdout string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&execution); err != nil {
		panic(err)
	}
	fmt.Println(execution.Outcome, execution.Run.Stdout)
}
`,
  },
};
