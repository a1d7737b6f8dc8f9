import{b as o,f,k as i}from"./chunk-XYH5UDPC.js";var d=(t,e)=>t.replaceAll(`
`,`
${e}`),p=t=>JSON.stringify(t,null,2),h=t=>`'${t.replaceAll("'","'\\''")}'`;function u(t,e=""){return t===null?"None":typeof t=="boolean"?t?"True":"False":Array.isArray(t)?c("[","]",t.map(n=>u(n,`${e}    `)),e):typeof t=="object"?c("{","}",Object.entries(t).map(([n,r])=>`${JSON.stringify(n)}: ${u(r,`${e}    `)}`),e):JSON.stringify(t)}function s(t,e=""){return Array.isArray(t)?c("[","]",t.map(n=>s(n,`${e}    `)),e):t&&typeof t=="object"?c("[","]",Object.entries(t).map(([n,r])=>`${s(n)} => ${s(r,`${e}    `)}`),e):typeof t=="string"?`'${t.replaceAll("\\","\\\\").replaceAll("'","\\'")}'`:JSON.stringify(t)}function c(t,e,n,r){return n.length?`${t}
${n.map(a=>`${r}    ${a},
`).join("")}${r}${e}`:t+e}var y=t=>`\`${t.replaceAll("`",'` + "`" + `')}\``,l={curl:{title:"curl",of:({url:t,body:e,withKey:n})=>`curl ${t} \\
${n?`  -H "Authorization: Api-Key $KEY" \\
`:""}  -H "Content-Type: application/json" \\
  -d ${h(p(e))}
`},python:{title:"Python",of:({url:t,body:e,withKey:n})=>`import requests

answer = requests.post(
    ${JSON.stringify(t)},${n?`
    headers={"Authorization": f"Api-Key {key}"},`:""}
    json=${u(e,"    ")},
)
answer.raise_for_status()
execution = answer.json()
print(execution["outcome"], (execution["run"] or {}).get("stdout"))
`},javascript:{title:"JavaScript",of:({url:t,body:e,withKey:n})=>`const answer = await fetch(${JSON.stringify(t)}, {
  method: "POST",
  headers: { "Content-Type": "application/json"${n?", Authorization: `Api-Key ${key}`":""} },
  body: JSON.stringify(${d(p(e),"  ")}),
});
const execution = await answer.json();
console.log(execution.outcome, execution.run?.stdout);
`},php:{title:"PHP",of:({url:t,body:e,withKey:n})=>`<?php

$request = curl_init(${s(t)});
curl_setopt_array($request, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => ['Content-Type: application/json'${n?', "Authorization: Api-Key $key"':""}],
    CURLOPT_POSTFIELDS => json_encode(${s(e,"    ")}),
]);
$execution = json_decode(curl_exec($request));
echo $execution->outcome, "\\n", $execution->run?->stdout;
`},go:{title:"Go",of:({url:t,body:e,withKey:n})=>`package main

import (
	"encoding/json"
	"fmt"
	"net/http"${n?`
	"os"`:""}
	"strings"
)

func main() {
	body := ${y(p(e))}
	request, err := http.NewRequest("POST", ${JSON.stringify(t)}, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Content-Type", "application/json")${n?`
	request.Header.Set("Authorization", "Api-Key "+os.Getenv("KEY"))`:""}
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
`}};var $=class{#n;#o;#t=o("select",{onchange:()=>this.draw()});#e=o("pre",{tabIndex:0,role:"region","aria-label":i.api.intro});constructor(e,n){this.#n=e,this.#o=n,this.#t.append(...Object.entries(l).map(([r,{title:a}])=>o("option",{value:r},a))),e.append(o("div",{className:"tools"},o("label",{},o("span",{className:"label"},i.api.label),this.#t),f(i.api.copy,i.output.copied,()=>this.#e.textContent??""),o("a",{href:"/api/docs"},i.api.more)),o("p",{className:"hint"},i.api.intro),this.#e)}draw(){this.#n.hidden||(this.#e.textContent=l[this.#t.value].of(this.#o()))}};export{$ as ApiPanel};
