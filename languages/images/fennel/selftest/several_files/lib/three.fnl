{:text (fn [] "three")}
