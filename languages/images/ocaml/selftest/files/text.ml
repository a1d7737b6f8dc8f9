let text () = "from another file"
