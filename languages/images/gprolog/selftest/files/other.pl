text('from another file').
