:- module(other, [text/1]).

text("from another file").
