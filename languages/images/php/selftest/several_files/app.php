<?php
require __DIR__ . '/two.php';
require 'lib/three.php';

echo "one\n", two(), "\n", \Lib\three(), "\n";
