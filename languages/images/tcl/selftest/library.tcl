package require json
package require json::write

foreach letter [split "aab" ""] {
    dict incr counts $letter
}
puts "collections: a=[dict get $counts a] b=[dict get $counts b]"
regexp {(\d{4})-(\d{2})} "on 2024-03-01" all year month
puts "regex: $year $month"
json::write indented 0
puts "json: [json::write array {*}[dict get [json::json2dict {{"list": [1, 2, 3]}}] list]]"
puts "bigint: [expr {2 ** 100}]"
puts "sort: [lsort {pear fig apple}]"
puts "date: [clock format [clock add [clock scan 2024-02-28 -format %Y-%m-%d] 2 days] -format %Y-%m-%d]"
