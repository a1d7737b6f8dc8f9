import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import groovy.transform.Canonical

@Canonical
class Point {
    int x
    int y
}

def counts = "aab".toList().countBy { it }
counts.each { letter, count -> println "$letter: $count" }
println([3, 1, 2].sort().collect { it * it }.findAll { it > 1 }.sum())
println(("2024-03" =~ /(\d+)-(\d+)/)[0])
println JsonOutput.toJson(new JsonSlurper().parseText('{"list": [1, 2, 3]}'))
println "${new Point(1, 2)} ${2G ** 100} ${System.in.text.size()}"
Thread.start { println "thread" }.join()
for (int i = 0; i < 3; i++) {
    print "$i "
}
println String.format("%05d %.2f", 42, 2.5)
try {
    Integer.parseInt("x")
} catch (NumberFormatException error) {
    println error.message
}
