<?php

echo "started\n";
echo "half a line";
while (true) {
}
