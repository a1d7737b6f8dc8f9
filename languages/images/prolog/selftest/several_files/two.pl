:- module(two, [two/1]).

two("two").
