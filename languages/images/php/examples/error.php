<?php

$people = ['Ada', 'Alan'];
echo count($people), " people\n";

echo intdiv(count($people), 0), "\n";
