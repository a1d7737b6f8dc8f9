SELECT @arg1, @arg2, @arg3, @arg4;
