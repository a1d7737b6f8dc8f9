:- module(three, [three/1]).

three("three").
