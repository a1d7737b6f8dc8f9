return { text = function() return "three" end }
