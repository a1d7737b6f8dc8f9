%% Starts main:main/1 with the arguments, or main:main/0, or main:start/0, and ends with an exit code that tells.
-module(gexec_start).
-export([run/0]).

run() ->
    io:setopts([{encoding, unicode}]),
    {module, main} = code:ensure_loaded(main),
    try start([{main, 1}, {main, 0}, {start, 0}]) of
        _ -> halt(0)
    catch
        Class:Reason:Stack ->
            io:put_chars(standard_error, [erl_error:format_exception(Class, Reason, Stack), $\n]),
            halt(1)
    end.

start([]) ->
    io:put_chars(standard_error, "main exports none of main/1, main/0 and start/0\n"),
    halt(1);
start([{Function, Arity} | Others]) ->
    case erlang:function_exported(main, Function, Arity) of
        true when Arity =:= 1 -> main:Function(init:get_plain_arguments());
        true -> main:Function();
        false -> start(Others)
    end.
