{:text (fn [] "from another file")}
