<?php

echo str_repeat("y", 500000);
exit(0);
