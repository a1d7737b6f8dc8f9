"Hello, \($ARGS.positional[])!"
