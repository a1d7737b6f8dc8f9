("aab" / "" | group_by(.) | map("\(.[0])=\(length)") | "collections: " + join(" ")),
("on 2024-03-01" | capture("(?<year>\\d{4})-(?<month>\\d{2})") | "regex: \(.year) \(.month)"),
("{\"list\": [1, 2, 3]}" | fromjson | .list | "json: " + tojson),
(["pear", "fig", "apple"] | sort | "sort: " + join(" ")),
("2024-02-28T00:00:00Z" | fromdate + 2 * 86400 | todate | "date: " + .[:10])
