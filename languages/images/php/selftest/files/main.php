<?php

require 'other.php';

echo text(), "\n";
