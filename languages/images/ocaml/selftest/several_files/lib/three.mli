val text : string
