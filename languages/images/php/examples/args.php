<?php

foreach (array_slice($argv, 1) as $name) {
    echo "Hello, $name!\n";
}
