<?php
function two(): string
{
    return 'two';
}
