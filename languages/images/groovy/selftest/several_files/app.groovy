import lib.Three

println 'one'
println Two.text()
println Three.text()
