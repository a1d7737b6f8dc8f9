<?php
function depth(int $left): int
{
    return $left === 0 ? 0 : 1 + depth($left - 1);
}

echo depth(200000), "\n";
