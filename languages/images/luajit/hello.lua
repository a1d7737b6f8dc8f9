print("Hello from Lua (LuaJIT)!")
