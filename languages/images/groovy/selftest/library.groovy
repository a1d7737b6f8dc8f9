import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.time.LocalDate
import java.util.concurrent.atomic.AtomicInteger

def counts = "aab".toList().countBy { it }
println "collections: a=${counts.a} b=${counts.b}"
def part = "on 2024-03-01" =~ /(\d{4})-(\d{2})/
println "regex: ${part[0][1]} ${part[0][2]}"
println "json: ${JsonOutput.toJson(new JsonSlurper().parseText('{"list": [1, 2, 3]}').list)}"
println "bigint: ${2G ** 100}"
println "sort: ${["pear", "fig", "apple"].sort().join(" ")}"
println "date: ${LocalDate.of(2024, 2, 28).plusDays(2)}"
def total = new AtomicInteger()
(1..4).collect { number -> Thread.start { total.addAndGet(number) } }*.join()
println "threads: $total"
