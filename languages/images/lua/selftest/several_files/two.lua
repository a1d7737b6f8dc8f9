return { text = function() return "two" end }
