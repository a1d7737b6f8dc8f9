local most <const> = 7 // 2
local closed = {}
do
    local handle <close> = setmetatable({}, { __close = function() closed[#closed + 1] = "ern" end })
end
goto told
error("never")
::told::
print(string.format("%s%s", ("mod"):rep(most & 1), table.unpack(closed)))
