<?php
namespace Lib;

function three(): string
{
    return 'three';
}
