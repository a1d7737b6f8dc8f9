main :- writeln('Hello from Prolog!').
