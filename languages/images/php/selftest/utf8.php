<?php

echo "żółć, 中文 🚀\n";
echo fgets(STDIN);
