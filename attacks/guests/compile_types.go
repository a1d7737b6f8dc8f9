package main

// The message names the type in full: it doubles with each line.
type (
	t0  = struct{ a, b int }
	t1  = struct{ a t0; b t0; c t0; d t0 }
	t2  = struct{ a t1; b t1; c t1; d t1 }
	t3  = struct{ a t2; b t2; c t2; d t2 }
	t4  = struct{ a t3; b t3; c t3; d t3 }
	t5  = struct{ a t4; b t4; c t4; d t4 }
	t6  = struct{ a t5; b t5; c t5; d t5 }
	t7  = struct{ a t6; b t6; c t6; d t6 }
	t8  = struct{ a t7; b t7; c t7; d t7 }
	t9  = struct{ a t8; b t8; c t8; d t8 }
)

func main() {
	var x t9
	var y int = x
	println(y)
}
