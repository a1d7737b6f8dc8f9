<?php

function squared(int $side): int
{
    return $side * $side;
}
