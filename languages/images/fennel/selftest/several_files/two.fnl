{:text (fn [] "two")}
