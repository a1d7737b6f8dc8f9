<?php

$numbers = preg_split('/\s+/', trim(stream_get_contents(STDIN)));
printf("%d numbers, sum %d\n", count($numbers), array_sum($numbers));
