{:squared (fn [side] (* side side))}
