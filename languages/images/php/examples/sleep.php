<?php

for ($number = 1; $number <= 5; $number++) {
    echo $number, "\n";
    usleep(400_000);
}
