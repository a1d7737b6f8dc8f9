"Hello from jq!"
