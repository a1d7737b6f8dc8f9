squared(Side, Area) :-
    Area is Side * Side.
