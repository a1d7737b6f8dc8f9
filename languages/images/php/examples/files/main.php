<?php

require 'shapes.php';

echo '4 squared is ', squared(4), "\n";
