sub shout($text) {
    $text.uc
}

say shout("ada");
say shuot("alan");
