%% Starts main/1 of the file's module with the arguments, or its main/0, or its start/0, and ends with an exit code that
%% tells. Where no file is named, it is main.erl.
-module(gexec_start).
-export([run/0, run/1]).

run() -> run(["main.erl"]).

run([File]) ->
    io:setopts([{encoding, unicode}]),
    Module = list_to_atom(filename:basename(File, ".erl")),
    {module, Module} = code:ensure_loaded(Module),
    try start(Module, [{main, 1}, {main, 0}, {start, 0}]) of
        _ -> halt(0)
    catch
        Class:Reason:Stack ->
            io:put_chars(standard_error, [erl_error:format_exception(Class, Reason, Stack), $\n]),
            halt(1)
    end.

start(Module, []) ->
    io:format(standard_error, "~s exports none of main/1, main/0 and start/0~n", [Module]),
    halt(1);
start(Module, [{Function, Arity} | Others]) ->
    case erlang:function_exported(Module, Function, Arity) of
        true when Arity =:= 1 -> Module:Function(init:get_plain_arguments());
        true -> Module:Function();
        false -> start(Module, Others)
    end.
